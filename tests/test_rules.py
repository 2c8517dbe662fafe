"""Routing by rules: what a person asks, where it goes, and whether a model need be asked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from finassist.core.result import CATEGORIES
from finassist.questions.routing import Context, route

PRICE, INCOME, FINANCIALS, REPORT, CHAT = (
    "stock_price",
    "income_statement",
    "company_financials",
    "report",
    "chat",
)
SURE, GUESS = True, False

# question, category, symbols, certain
PLAIN = [
    # prices
    ("What is Apple's stock price?", PRICE, "AAPL", SURE),
    ("AAPL price", PRICE, "AAPL", SURE),
    ("Price of $TSLA", PRICE, "TSLA", SURE),
    ("stock price of Facebook", PRICE, "META", SURE),
    ("Quote for MSFT please", PRICE, "MSFT", SURE),
    ("What is Nvidia trading at?", PRICE, "NVDA", SURE),
    ("How much is one share of Coca-Cola?", PRICE, "KO", SURE),
    ("How much does a share of Disney cost?", PRICE, "DIS", SURE),
    ("what’s the latest share price of JPMorgan?", PRICE, "JPM", SURE),
    ("Show me the price history of IBM", PRICE, "IBM", SURE),
    ("Apple and Microsoft stock prices", PRICE, "AAPL MSFT", SURE),
    ("How much is Apple stock?", PRICE, "AAPL", GUESS),
    ("How is Tesla stock doing?", PRICE, "TSLA", GUESS),
    ("What is Netflix worth?", PRICE, "NFLX", GUESS),
    ("Why did Apple's stock price fall?", PRICE, "AAPL", GUESS),
    # income statements
    ("What's Nvidia's income statement?", INCOME, "NVDA", SURE),
    ("Show me Walmart's revenue", INCOME, "WMT", SURE),
    ("Nike net income", INCOME, "NKE", SURE),
    ("What was Intel's revenue in 2023?", INCOME, "INTC", SURE),
    ("Oracle earnings per share", INCOME, "ORCL", SURE),
    ("What were Adobe's earnings last year?", INCOME, "ADBE", SURE),
    ("How much profit did Costco make?", INCOME, "COST", SURE),
    ("Compare Apple's and Microsoft's revenue", INCOME, "AAPL MSFT", SURE),
    ("AMD R&D spending", INCOME, "AMD", SURE),
    ("Apple earnings report", INCOME, "AAPL", SURE),
    ("Is Boeing profitable?", INCOME, "BA", GUESS),
    ("How much money did Pfizer make?", INCOME, "PFE", GUESS),
    ("Apple's revenue, not the price", INCOME, "AAPL", GUESS),
    ("how much did amazon make last quarter", INCOME, "AMZN", GUESS),
    # statements and ratios
    ("Coca-Cola's balance sheet", FINANCIALS, "KO", SURE),
    ("How much debt does Walmart have?", FINANCIALS, "WMT", SURE),
    ("Cash flow of Chevron", FINANCIALS, "CVX", SURE),
    ("Nvidia gross margin", FINANCIALS, "NVDA", SURE),
    ("What is Apple's P/E ratio?", FINANCIALS, "AAPL", SURE),
    ("Price-to-earnings ratio of Microsoft", FINANCIALS, "MSFT", SURE),
    ("Financials of Salesforce", FINANCIALS, "CRM", SURE),
    ("What's Visa's free cash flow?", FINANCIALS, "V", SURE),
    ("Microsoft's dividend yield", FINANCIALS, "MSFT", SURE),
    ("market cap of Amazon", FINANCIALS, "AMZN", SURE),
    ("Show the fundamentals of PepsiCo", FINANCIALS, "PEP", SURE),
    ("How much cash does Apple have?", FINANCIALS, "AAPL", GUESS),
    ("Is Intel doing well financially?", FINANCIALS, "INTC", GUESS),
    ("Apple's income statement and balance sheet", FINANCIALS, "AAPL", GUESS),
    ("Not the income statement, the balance sheet of Nike", FINANCIALS, "NKE", GUESS),
    ("Does Coca-Cola pay a dividend?", FINANCIALS, "KO", SURE),
    ("aapl vs msft return on equity", FINANCIALS, "AAPL MSFT", SURE),
    # reports
    ("Tell me about Apple", REPORT, "AAPL", SURE),
    ("Compare Apple and Microsoft", REPORT, "AAPL MSFT", SURE),
    ("Apple vs Microsoft", REPORT, "AAPL MSFT", SURE),
    ("Analyse Nvidia", REPORT, "NVDA", SURE),
    ("Please write a report on Johnson & Johnson", REPORT, "JNJ", SURE),
    ("Give me an overview of UnitedHealth", REPORT, "UNH", SURE),
    ("Report on AAPL", REPORT, "AAPL", SURE),
    ("Apple", REPORT, "AAPL", SURE),
    ("MSFT", REPORT, "MSFT", SURE),
    ("What about Tesla?", REPORT, "TSLA", GUESS),
    ("What does Apple sell?", REPORT, "AAPL", GUESS),
    ("Tell me about Apple's new iPhone", REPORT, "AAPL", GUESS),
    ("How is Disney doing?", REPORT, "DIS", GUESS),
    ("Apple's revenue and stock price", REPORT, "AAPL", GUESS),
    ("Should I buy Apple?", REPORT, "AAPL", GUESS),
    ("Is Tesla a good investment?", REPORT, "TSLA", GUESS),
    ("Apple or Microsoft: which one should I invest in?", REPORT, "AAPL MSFT", GUESS),
    ("Tell me about Zorblax Industries", REPORT, "", GUESS),
    ("Write me a report", REPORT, "", GUESS),
    # data words without a company: the flow asks which one
    ("What is the stock price?", PRICE, "", GUESS),
    ("Show me the income statement", INCOME, "", GUESS),
    ("I'd like a balance sheet", FINANCIALS, "", GUESS),
    ("price", PRICE, "", GUESS),
    # concepts
    ("What is a P/E ratio?", CHAT, "", SURE),
    ("explain EBITDA", CHAT, "", SURE),
    ("What's free cash flow?", CHAT, "", SURE),
    ("How do I read a balance sheet?", CHAT, "", SURE),
    ("Define working capital.", CHAT, "", SURE),
    ("What does EPS mean?", CHAT, "", SURE),
    ("What is the current ratio?", CHAT, "", SURE),
    ("What is the PEG ratio?", CHAT, "", SURE),
    ("difference between gross and net margin", CHAT, "", SURE),
    ("Tell me about inflation", CHAT, "", SURE),
    ("What is a good debt to equity ratio?", CHAT, "", SURE),
    ("EBITDA?", CHAT, "", GUESS),
    ("why do companies buy back shares", CHAT, "", GUESS),
    ("stock market", CHAT, "", GUESS),
    ("Which companies do you cover?", CHAT, "", GUESS),
    ("How does revenue affect my neighbour's goats?", CHAT, "", GUESS),
    # small talk
    ("Hello", CHAT, "", SURE),
    ("hi there!", CHAT, "", SURE),
    ("Thank you!", CHAT, "", SURE),
    ("help", CHAT, "", SURE),
    ("What can you do?", CHAT, "", SURE),
    ("", CHAT, "", SURE),
    ("   ", CHAT, "", SURE),
    # none of it
    ("What's the weather in Paris?", CHAT, "", GUESS),
    ("Write a poem", CHAT, "", GUESS),
    ("Why?", CHAT, "", GUESS),
    # several sentences
    ("Hi! I am new to this. What is Apple's stock price?", PRICE, "AAPL", GUESS),
    ("Thanks. Now show me Microsoft's balance sheet.", FINANCIALS, "MSFT", SURE),
]

AFTER_PRICE = Context(category="stock_price", symbols=("AAPL",))
AFTER_TWO = Context(category="report", symbols=("AAPL", "MSFT"))
AFTER_CHAT = Context(category="chat", turns=(("What is EBITDA?", "…"),))
AFTER_INCOME = Context(category="income_statement", symbols=("TSLA",))

FOLLOW_UPS = [
    (AFTER_PRICE, "What about Tesla?", PRICE, "TSLA"),
    (AFTER_PRICE, "How about Tesla and Ford?", PRICE, "TSLA F"),
    (AFTER_PRICE, "and Microsoft?", PRICE, "MSFT"),
    (AFTER_PRICE, "Tesla?", PRICE, "TSLA"),
    (AFTER_PRICE, "and its income statement?", INCOME, "AAPL"),
    (AFTER_PRICE, "its balance sheet", FINANCIALS, "AAPL"),
    (AFTER_PRICE, "How much debt do they have?", FINANCIALS, "AAPL"),
    (AFTER_PRICE, "What is the P/E ratio?", FINANCIALS, "AAPL"),
    (AFTER_PRICE, "revenue?", INCOME, "AAPL"),
    (AFTER_PRICE, "Tell me more about it", REPORT, "AAPL"),
    (AFTER_PRICE, "Tell me about that company", REPORT, "AAPL"),
    (AFTER_PRICE, "compare it with Microsoft", REPORT, "AAPL MSFT"),
    (AFTER_PRICE, "compare with Microsoft", REPORT, "AAPL MSFT"),
    (AFTER_PRICE, "Compare its revenue with Microsoft's", INCOME, "AAPL MSFT"),
    (AFTER_PRICE, "Compare Tesla and Ford", REPORT, "TSLA F"),
    (AFTER_PRICE, "Tell me about Tesla", REPORT, "TSLA"),
    (AFTER_PRICE, "What is EBITDA?", CHAT, ""),
    (AFTER_PRICE, "What is a P/E ratio?", CHAT, ""),
    (AFTER_PRICE, "thanks", CHAT, ""),
    (AFTER_PRICE, "What about Zorblax Industries?", PRICE, ""),
    (AFTER_PRICE, "What about P/E?", FINANCIALS, "AAPL"),
    (AFTER_PRICE, "and EBITDA?", INCOME, "AAPL"),
    (AFTER_PRICE, "Thanks, and Microsoft?", PRICE, "MSFT"),
    (AFTER_PRICE, "What about last year?", PRICE, "AAPL"),
    (AFTER_PRICE, "Why?", CHAT, ""),
    (AFTER_TWO, "Compare them", REPORT, "AAPL MSFT"),
    (AFTER_TWO, "Which one has more debt?", FINANCIALS, "AAPL MSFT"),
    (AFTER_TWO, "which one is better?", REPORT, "AAPL MSFT"),
    (AFTER_TWO, "both stock prices", PRICE, "AAPL MSFT"),
    (AFTER_TWO, "their margins", FINANCIALS, "AAPL MSFT"),
    (AFTER_TWO, "add Google, please", REPORT, "AAPL MSFT GOOGL"),
    (AFTER_TWO, "compare them with Google", REPORT, "AAPL MSFT GOOGL"),
    (AFTER_TWO, "Compare the stock prices of Tesla and Ford", PRICE, "TSLA F"),
    (AFTER_TWO, "Compare the two companies Tesla and Ford", REPORT, "TSLA F"),
    (AFTER_PRICE, "Compare it with Tesla and Ford", REPORT, "AAPL TSLA F"),
    (AFTER_INCOME, "and the price?", PRICE, "TSLA"),
    (AFTER_INCOME, "What about Ford?", INCOME, "F"),
    (AFTER_CHAT, "What about Tesla?", REPORT, "TSLA"),
    (AFTER_CHAT, "and its income statement?", INCOME, ""),
]


def test_questions_are_routed() -> None:
    for question, category, symbols, certain in PLAIN:
        found = route(question)
        assert (found.category, " ".join(found.symbols), found.certain) == (category, symbols, certain), question


def test_follow_ups_use_the_conversation() -> None:
    for context, question, category, symbols in FOLLOW_UPS:
        found = route(question, context)
        assert (found.category, " ".join(found.symbols)) == (category, symbols), question


def test_what_only_the_conversation_explains_is_never_certain() -> None:
    for context, question, *_ in FOLLOW_UPS:
        found = route(question, context)
        if set(found.symbols) & set(context.symbols):
            assert not found.certain, question


def test_a_route_says_why_in_a_sentence() -> None:
    for question, *_ in PLAIN:
        found = route(question)
        assert found.reason[0].isupper()
        assert found.reason.endswith(".")
        assert "{" not in found.reason
        assert "  " not in found.reason


def test_an_unknown_name_is_handed_on() -> None:
    found = route("What is the stock price of Zorblax Industries?")
    assert (found.category, found.symbols, found.certain) == (PRICE, (), False)
    assert found.unmatched


def test_a_name_that_holds_a_data_word_is_a_name() -> None:
    assert route("Tell me about T. Rowe Price").category == REPORT
    assert route("Is Target's price target fair?").symbols == ("TGT",)


def test_a_long_text_is_never_certain_and_only_its_ends_count() -> None:
    asked = "What is Apple's stock price?"
    assert route(asked).certain
    padded = route("lorem ipsum " * 9_000 + asked)
    assert (padded.category, padded.certain) == (PRICE, False)
    buried = route("lorem ipsum " * 5_000 + asked + " lorem ipsum" * 5_000)
    assert buried.symbols == ()


QUESTIONS = [question for question, *_ in PLAIN]
FRAGMENTS = st.sampled_from(
    [*QUESTIONS, "<question>", "</context>", "$", "§", "\u202e", "\x00", "𝐏𝐫𝐢𝐜𝐞", "{symbols}", "not", "it", "\n"]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=6).map(" ".join))
CONTEXTS = st.builds(
    Context,
    category=st.sampled_from([None, *CATEGORIES]),
    symbols=st.lists(st.sampled_from(["AAPL", "MSFT", "TSLA"]), unique=True).map(tuple),
)


@given(TEXTS, CONTEXTS)
@settings(deadline=None)
def test_any_text_gets_one_of_the_five_categories(text: str, context: Context) -> None:
    found = route(text, context)
    assert found.category in CATEGORIES
    assert found.reason
    assert len(set(found.symbols)) == len(found.symbols)
    assert found == route(text, context)


@given(TEXTS, CONTEXTS)
@settings(deadline=None)
def test_certain_about_figures_means_companies_named_in_the_question(text: str, context: Context) -> None:
    found = route(text, context)
    if found.certain and found.category != CHAT:
        assert found.symbols
        assert found.symbols == route(text).symbols
