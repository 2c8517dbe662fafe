"""Finding companies: the directory, and free text."""

from __future__ import annotations

import csv
import gzip
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finassist.core.errors import InvalidSymbol
from finassist.providers.embedded.coverage import attributes
from finassist.questions.scan import slots_of
from finassist.reporting.words import short_name
from finassist.symbols import SymbolDirectory, directory, names
from finassist.symbols.company import Company, normalise_symbol
from tests.tools import build_tickers

DATA = Path(__file__).parent / "data"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def symbols(text: str) -> tuple[str, ...]:
    return directory().resolve(text).symbols


def measured(cases: list[tuple[str, set[str]]]) -> tuple[float, float, list[str]]:
    """Share found exactly, share with a wrong company, and what went wrong."""
    found = [(text, wanted, set(symbols(text))) for text, wanted in cases]
    failed = [f"{text!r}: wanted {wanted or 'nothing'}, got {got}" for text, wanted, got in found if got != wanted]
    wrong = sum(bool(got - wanted) for _, wanted, got in found)
    return 1 - len(failed) / len(cases), wrong / len(cases), failed


# -- what it is measured by ----------------------------------------------------------------------------------

PHRASINGS = (
    "{name}",
    "Tell me about {name}",
    "tell me about {lower}",
    "What is {name}'s revenue?",
    "{lower} stock price",
    "How much debt does {name} have?",
    "is {lower} overvalued?",
    "WHAT IS THE REVENUE OF {upper}?",
)


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_finds_the_companies_of_the_sp500_by_the_names_people_use(phrasing: str) -> None:
    names = [(row["name"], {row["symbol"]}) for row in rows("sp500_names.csv")]
    cases = [(phrasing.format(name=name, lower=name.lower(), upper=name.upper()), wanted) for name, wanted in names]
    right, wrong, failed = measured(cases)
    assert right >= 0.97, failed
    assert wrong < 0.01, failed


def test_finds_companies_in_natural_questions() -> None:
    cases = [(row["question"], set(row["symbols"].split())) for row in rows("questions.csv")]
    right, wrong, failed = measured(cases)
    assert right >= 0.95, failed
    assert wrong < 0.01, failed


def test_questions_about_no_company_name_none_and_complain_about_none() -> None:
    resolved = {
        row["question"]: directory().resolve(row["question"]) for row in rows("questions.csv") if not row["symbols"]
    }
    assert len(resolved) > 90
    assert {question: found for question, found in resolved.items() if found.matches or found.unmatched} == {}


# -- the directory -------------------------------------------------------------------------------------------


def test_holds_every_us_ticker_and_the_filers_number() -> None:
    listed = [company for company in directory().companies() if company.cik]  # without those of a user's own tables
    assert len(listed) == 10_365
    assert len(directory()) == len(list(directory().companies()))
    assert directory().lookup("AAPL") == Company("AAPL", "Apple Inc.", "Nasdaq", "0000320193")


@pytest.mark.parametrize("written", ["BRK.B", "brk-b", "$BRK.B", " Brk/B ", "BRK-B"])
def test_a_ticker_is_found_however_it_is_written(written: str) -> None:
    company = directory().lookup(written)
    assert company is not None
    assert company.symbol == "BRK-B"


@pytest.mark.parametrize(
    "written", ["../../x", "", "   ", "A" * 11, "AA PL", "Ä", "AAPL\n; rm", "-", "$", "A\u202eB", "../", "."]
)
def test_what_no_exchange_lists_is_refused_with_advice(written: str) -> None:
    with pytest.raises(InvalidSymbol, match=r"not a ticker symbol\. Use letters"):
        normalise_symbol(written)
    assert directory().lookup(written) is None


def test_names_are_tidy() -> None:
    names = [directory().lookup(symbol) for symbol in ("MSFT", "SCHW", "BAC", "LMT", "JBHT", "RJF", "IBM", "GS")]
    assert [company.name for company in names if company] == [
        "Microsoft Corp.",
        "Charles Schwab Corp.",
        "Bank of America Corp.",
        "Lockheed Martin Corp.",
        "J B Hunt Transport Services Inc.",
        "Raymond James Financial Inc.",
        "International Business Machines Corp.",
        "Goldman Sachs Group, Inc.",
    ]


def test_search_puts_the_exact_ticker_first_and_then_the_largest() -> None:
    assert [company.symbol for company in directory().search("app", limit=2)] == ["APP", "AAPL"]
    assert directory().search("berkshire")[0].symbol == "BRK-B"
    assert directory().search("brk.b")[0].symbol == "BRK-B"
    assert directory().search("Microsft")[0].symbol == "MSFT"
    assert directory().search("   ") == []
    assert len(directory().search("a", limit=7)) == 7


def test_threads_share_one_directory() -> None:
    seen: list[SymbolDirectory] = []
    threads = [threading.Thread(target=lambda: seen.append(directory())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in seen}) == 1


def test_the_ticker_file_is_built_from_a_list_by_size(tmp_path: Path) -> None:
    source = tmp_path / "list.csv"
    source.write_text(
        "cik,ticker,exchange,name\n0000316709,SCHW,NYSE,SCHWAB CHARLES CORP\n0000021344,KO,NYSE,COCA COLA CO\n",
        encoding="utf-8",
    )
    lines = gzip.decompress(build_tickers.packed(source)).decode().split("\n")
    assert lines == [
        "SCHW\tNYSE\t316709\tCharles Schwab Corp.\tSCHWAB CHARLES CORP",
        "KO\tNYSE\t21344\tCoca-Cola Co.",
    ]
    assert build_tickers.packed(source) == build_tickers.packed(source)


# -- names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "symbol", "how"),
    [
        ("AAPL", "AAPL", "ticker"),
        ("Apple Inc.", "AAPL", "exact"),
        ("Apple", "AAPL", "stripped"),
        ("Facebook", "META", "alias"),
        ("Advanced Micro", "AMD", "prefix"),
        ("J.B. Hunt", "JBHT", "initials"),
        ("SCHWAB CHARLES CORP", "SCHW", "inverted"),
    ],
)
def test_says_how_a_company_was_found(text: str, symbol: str, how: str) -> None:
    (match,) = directory().resolve(text).matches
    assert (match.company.symbol, match.how) == (symbol, how)


def test_companies_come_in_order_of_mention_each_once() -> None:
    found = directory().resolve("Compare Microsoft with Apple (AAPL), then Apple's margin with $TSLA's")
    assert found.symbols == ("MSFT", "AAPL", "TSLA")
    assert [match.text for match in found.matches] == ["Microsoft", "Apple", "AAPL", "Apple", "TSLA"]
    assert found.certain


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("Alphabet class C", "GOOG"),
        ("Google (Class C) price", "GOOG"),
        ("Berkshire A", "BRK-A"),
        ("Berkshire Hathaway Class B", "BRK-B"),
        ("Fox Corp class B shares", "FOX"),
        ("Alphabet class Z", "GOOGL"),
    ],
)
def test_share_classes(text: str, symbol: str) -> None:
    assert symbols(text) == (symbol,)


WORD_TICKERS = "A ALL ARE CAR CASH COST F FOR IT KEY NOW ON OPEN RUN SO T V AI USA PEG"


@pytest.mark.parametrize("symbol", WORD_TICKERS.split())
def test_tickers_that_are_words_count_only_when_marked(symbol: str) -> None:
    for marked in (f"${symbol}", f"price of ${symbol.lower()}", f"NYSE: {symbol}", f"the ticker {symbol}", symbol):
        assert symbols(marked) == (symbol,), marked
    for bare in (f"what does {symbol} mean today", f"so is {symbol.lower()} a thing", f"PLEASE SAY WHAT {symbol} DOES"):
        assert symbols(bare) == (), bare


def test_abbreviations_in_parentheses_are_no_tickers() -> None:
    assert symbols("artificial intelligence (AI) and price to earnings to growth (PEG)") == ()
    assert symbols("AT&T (T) and Ford (F)") == ("T", "F")


@pytest.mark.parametrize(
    ("company", "word"),
    [
        ("Target's revenue", "the price target of the analysts"),
        ("Tell me about Gap", "the gap between cost and revenue"),
        ("How is Block doing?", "a block of shares"),
        ("Tell me about Match", "do the figures match"),
        ("compare snap and meta", "a snap decision"),
        ("Shell's dividend", "what is a shell company"),
        ("Visa vs Mastercard", "do I need a visa"),
        ("Best Buy revenue", "what is the best buy now"),
        ("S&P Global", "the S&P 500"),
        ("Nasdaq, Inc.", "the NASDAQ fell"),
        ("DuPont sales", "a DuPont analysis"),
        ("Bank of New York Mellon", "the New York stock exchange"),
    ],
)
def test_names_that_are_words_need_a_place_where_companies_stand(company: str, word: str) -> None:
    assert symbols(company) != ()
    assert symbols(word) == ()


@pytest.mark.parametrize(
    "text",
    [
        "How much of the Amazon rainforest is left?",
        "How deep is the Amazon river?",
        "How do I ford the river?",
        "An apple pie recipe",
        "Visa requirements for Japan",
        "The oracle of Delphi",
        "alphabet soup",
        "What is metadata, and what is a meta question?",
        "From caterpillar to butterfly",
        "Who is the target audience of an annual report?",
        "Tell me about tech and pharma startups",
        "Which app is best?",
    ],
)
def test_phrases_with_the_word_of_a_company_name_none(text: str) -> None:
    assert directory().resolve(text).symbols == ()


def test_the_same_words_name_the_company_where_one_is_meant() -> None:
    asked = "Compare Amazon, Ford, Apple, Visa, Oracle, Alphabet, Caterpillar and Target with $APP and NASDAQ: TECH"
    assert set(directory().resolve(asked).symbols) >= {"AMZN", "F", "AAPL", "V", "ORCL", "GOOGL", "CAT", "TGT", "APP"}
    assert directory().resolve("Is Apple a tech company?").symbols == ("AAPL",)
    assert directory().resolve("Banco Santander (Brasil)").symbols == ("BSBR",)


def test_only_a_full_reading_is_certain() -> None:
    assert directory().resolve("$F and Apple").certain
    assert not directory().resolve("tell me about target").certain
    assert not directory().resolve("Compare Apple and Foobarcorp").certain
    assert not directory().resolve("what is a moat").certain


# -- what is not there ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mention", "suggested"),
    [
        ("Tell me about Appel", "Appel", "AAPL"),
        ("stock price of Microsft", "Microsft", "MSFT"),
        ("compare nvidia and starbuks", "starbuks", "SBUX"),
        ("Nividia's revenue", "Nividia", "NVDA"),
    ],
)
def test_a_misspelt_name_is_asked_about_and_never_guessed(text: str, mention: str, suggested: str) -> None:
    found = directory().resolve(text)
    (missing,) = found.unmatched
    assert suggested not in found.symbols
    assert (missing.text, missing.reason) == (mention, "unknown")
    assert missing.suggestions[0].symbol == suggested
    assert "Did you mean" in missing.message


def test_an_unknown_name_beside_a_known_one_is_reported() -> None:
    found = directory().resolve("Compare Apple and Foobarcorp")
    assert found.symbols == ("AAPL",)
    assert [(missing.text, missing.suggestions) for missing in found.unmatched] == [("Foobarcorp", ())]


@pytest.mark.parametrize("text", ["$ZZZZ", "NYSE: ZZZZ price", "What is ZZZZ worth?"])
def test_an_unknown_ticker_is_reported(text: str) -> None:
    (missing,) = directory().resolve(text).unmatched
    assert (missing.text, missing.reason) == ("ZZZZ", "unknown")


@pytest.mark.parametrize(
    ("text", "reason", "word"),
    [
        ("Twitter revenue", "delisted", "2022"),
        ("$TWTR", "delisted", "Twitter"),
        ("How did VMware do?", "delisted", "Broadcom"),
        ("Pioneer Natural Resources vs Exxon", "delisted", "Exxon Mobil"),
        ("Hess's cash flow", "delisted", "Chevron"),
        ("OpenAI revenue", "unknown", "privately owned"),
        ("Nestlé", "unknown", "abroad"),
        ("samsung vs apple", "unknown", "abroad"),
    ],
)
def test_names_without_a_ticker_are_explained(text: str, reason: str, word: str) -> None:
    (missing,) = directory().resolve(text).unmatched
    assert missing.reason == reason
    assert word in missing.message


def test_a_word_ticker_in_a_company_place_is_asked_about() -> None:
    found = directory().resolve("Compare F and GM")
    assert found.symbols == ("GM",)
    (missing,) = found.unmatched
    assert (missing.reason, missing.suggestions[0].symbol) == ("ambiguous", "F")
    assert "$F" in missing.message


# -- the tables are true -------------------------------------------------------------------------------------


def test_every_alias_leads_to_a_ticker_and_is_sorted() -> None:
    assert [name for name, symbol in names.ALIASES.items() if directory().lookup(symbol) is None] == []
    assert list(names.ALIASES) == sorted(names.ALIASES, key=str.casefold)


def test_nothing_that_is_listed_is_called_unlisted() -> None:
    filed = directory().full
    assert [name for name in names.not_listed() if name in filed] == []
    assert [symbol for symbol in names.DELISTED_TICKERS if directory().lookup(symbol)] == []
    assert set(names.DELISTED_TICKERS.values()) <= set(names.DELISTED)


def test_renamed_tickers_are_free_and_lead_to_a_company() -> None:
    assert [old for old in names.RENAMED_TICKERS if directory().lookup(old)] == []
    assert [new for new in names.RENAMED_TICKERS.values() if directory().lookup(new) is None] == []
    assert symbols("FB price") == ("META",)


# -- laws ----------------------------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        "Apple",
        "apple's",
        "AT&T",
        "$T",
        "$",
        "(F)",
        "NYSE:",
        "Target",
        "price",
        "and",
        "Inc.",
        "J.B.",
        "\u202e",
        "\u0000",
        "é",
        "É\u0301",
        "BRK.B",
        "'s",
        "’",
        "class C",
        ",",
        "&",
        "..",
        "Twitter",
        "Zorbl",
        "Berkshire A",
        "S&P 500",
        "\n",
        "ﬃ",
        "İ",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200), st.lists(pieces, max_size=25).map(" ".join), st.lists(pieces, max_size=25).map("".join)
    )
)
def test_any_text_gives_ordered_spans_inside_it(text: str) -> None:
    found = directory().resolve(text)
    reached = 0
    for match in found.matches:
        assert reached <= match.start < match.end <= len(text)
        assert text[match.start : match.end] == match.text
        reached = match.end


def test_every_symbol_is_found_behind_a_dollar_sign() -> None:
    missed = [
        company.symbol for company in directory().companies() if symbols(f"${company.symbol}") != (company.symbol,)
    ]
    assert missed == []


def test_a_company_is_found_by_its_own_display_name() -> None:
    largest = [company for company, _ in zip(directory().companies(), range(1500), strict=False)]
    missed = [company.name for company in largest if company.symbol not in symbols(company.name)]
    assert len(missed) <= 15, missed


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "Apple " * 20_000,
        "$" * 100_000,
        "((((" * 25_000,
        "A.B-C/D'E&" * 10_000,
        "\u202e\u0000" * 50_000,
        "Zorbl " * 15_000,
    ],
)
def test_a_huge_text_is_read_only_so_far(text: str) -> None:
    assert len(directory().resolve(text).matches) <= 100
    directory().suggest(text)
    directory().search(text)


@pytest.mark.parametrize("question", ["analyze TEAM", "Tell me about TEAM", "$TEAM"])
def test_a_common_word_in_capitals_is_its_own_ticker_before_a_name(question: str) -> None:
    assert directory().resolve(question).symbols == ("TEAM",)


def test_every_embedded_company_is_found_by_the_name_that_answers_show() -> None:

    known = attributes()
    for symbol, company in ((each, known[each]) for each in known if each[0].isalpha()):
        assert directory().lookup(symbol), symbol
        for name in (company.name, short_name(company.name)):
            found = slots_of(f"What was {name}'s revenue in FY2023?").symbols
            assert symbol in found or (company.primary or symbol) in found, (name, found)
