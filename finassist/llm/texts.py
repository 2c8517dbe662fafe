"""The fixed texts the offline model speaks. None holds a figure of a company."""

from __future__ import annotations

CONNECT = (
    "**To connect a model:** set `ANTHROPIC_API_KEY`, `OPENAI_API_KEY` or `GROQ_API_KEY` in the environment, "
    'or pass one: `FinancialAssistantWorkflow(model="anthropic:<model id>")`, or any Agno model object. '
    "Nothing else changes."
)
GREETING = (
    "Hello! I am finassist. Ask about a company, such as *Tell me about Apple*, *What is Tesla's stock "
    "price?* or *Compare Microsoft and Oracle*, or about a term, such as *What is free cash flow?* "
    "Say *help* for more."
)
THANKS = "You are welcome. Ask about another company or term whenever you like."
GOODBYE = "Goodbye. A stored session can be taken up again later with its session id."
HELP = f"""I answer questions about US-listed companies from data, and explain finance terms.

**About companies**

- *Tell me about Apple*: a report with key figures, ratios, price, strengths and points of attention
- *Compare Apple and Microsoft*: the same, side by side
- *Nvidia's income statement*, *Coca-Cola's balance sheet*, *Walmart's debt*: the figures of one kind
- *What is Tesla's stock price?*: the latest price I have, with its date
- then follow up: *What about Boeing?* or *and its cash flow?*

**About terms**

- *What is a P/E ratio?*, *How do I read a balance sheet?*
- *What is the difference between gross margin and net margin?*

Every figure names its source, period and date; what is missing is said to be missing. Right now explanations \
come from a glossary; a language model answers open questions too.

{CONNECT}"""
SOURCES = (
    "Every figure comes from a data source and names it: embedded figures from companies' SEC filings and "
    "dated closing prices, or a live provider when a key for one is set. Nothing is estimated, and a figure "
    "that is absent is shown as not reported. In an answer, the *Sources* section and `answer.to_frame()` "
    "list where each figure came from."
)
COVERAGE = (
    "I know every US-listed company by ticker and name. Without a key, figures come from an embedded set of a few "
    "dozen of the largest: just ask for one, such as *Tell me about Apple*. If a company's figures are not "
    "embedded, the answer says so, lists those that are, and names the key that adds live data."
)
FORECAST = (
    "I can't say what a price or a company will do: no data holds the future. What I can show is what has "
    "been reported: ask for a report on the company, its growth over the years, or its price history."
)
ADVICE = (
    "I can't tell you what to buy or sell: that depends on your situation, and this is not investment "
    "advice. Name a company and I will show what to weigh: its growth, margins, debt, cash flow and "
    "valuation, each with its source."
)
UNKNOWN = (
    "I can't answer that offline: without a model I fetch companies' figures by rules and explain terms from a "
    "glossary."
)
