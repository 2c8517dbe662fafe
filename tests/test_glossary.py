"""The glossary: complete entries, unique names, and every term found the way people ask for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finassist.questions.routing import route
from finassist.questions.topics import Term, glossary

TERMS = glossary().terms
NAMES = [name for term in TERMS for name in (term.name, *term.aliases)]
PHRASINGS = ("What is {}?", "explain {} please", "what does {} mean", "How do I read the {}?", "Define: “{}”.")


def test_there_are_enough_terms_for_a_learner() -> None:
    assert len(TERMS) >= 70


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_an_entry_is_complete(term: Term) -> None:
    assert term.name[0].isupper()
    for prose in (term.definition, term.reading):
        assert prose.endswith(".")
        assert 30 < len(prose) < 400
    assert term.formula is None or re.search(r"[=]", term.formula)
    assert 1 <= len(term.related) <= 4
    assert term.name not in term.related
    assert all(name in {other.name for other in TERMS} for name in term.related)


def test_names_are_unique_in_any_case() -> None:
    names = [name.casefold() for name in NAMES]
    assert len(names) == len(set(names))


def test_every_ratio_has_a_formula() -> None:
    ratios = [term for term in TERMS if re.search(r"ratio$|margin$|^Return on|turnover$|yield$|^EV/", term.name)]
    assert len(ratios) > 15
    assert [term.name for term in ratios if not term.formula and term.name != "Financial ratio"] == []


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_found_by_each_of_its_names(term: Term) -> None:
    for name in (term.name, *term.aliases):
        assert glossary().get(name.upper()) is term
        for phrasing in PHRASINGS:
            assert glossary().find(phrasing.format(name)) == [term], (phrasing, name)


@pytest.mark.parametrize("phrasing", ["What is {}?", "Explain {}", "what does {} mean?"])
def test_asking_for_a_term_is_surely_a_chat_and_no_company(phrasing: str) -> None:
    for name in NAMES:
        found = route(phrasing.format(name))
        assert (found.category, found.symbols, found.certain) == ("chat", (), True), (name, found)


def test_no_entry_states_a_figure() -> None:
    for term in TERMS:
        assert not re.search(r"\d", f"{term.definition}{term.formula or ''}{term.reading}"), term.name


def test_terms_come_in_the_order_they_are_named_and_once() -> None:
    found = glossary().find("Is EBITDA the same as net income? Or is EBITDA more like free cash flow?")
    assert [term.name for term in found] == ["EBITDA", "Net income", "Free cash flow"]


def test_the_longest_name_wins() -> None:
    assert [term.name for term in glossary().find("price to earnings")] == ["P/E ratio"]
    assert [term.name for term in glossary().find("diluted earnings per share")] == ["Diluted EPS"]


def test_a_misspelt_term_is_suggested_and_nonsense_is_not() -> None:
    assert "Depreciation" in [term.name for term in glossary().nearest("what is depreciacion?")]
    assert glossary().nearest("qwzx vbnm") == []


def test_an_entry_reads_as_markdown() -> None:
    term = glossary().get("p/e")
    assert term is not None
    text = term.to_markdown()
    assert text.startswith("**P/E ratio**\n\n")
    assert "**Formula:** P/E ratio = share price ÷ earnings per share" in text
    assert "**How to read it:** " in text


@given(st.text(max_size=300))
@settings(deadline=None)
def test_looking_up_never_fails(text: str) -> None:
    assert set(glossary().find(text)) <= set(TERMS)
    assert len(glossary().nearest(text)) <= 3
