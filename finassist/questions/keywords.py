"""The words the routing rules know. Data only; `finassist.questions.parser` looks them up.

A *plain* word leaves no doubt which figures are meant; a *loose* one is a hint. The longest phrase wins, so
`price to earnings` is a ratio and no price, and `earnings report` is no report. `§` stands for a company.
"""

from __future__ import annotations

from finassist.core.categories import CategoryName as Category


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PLAIN: dict[Category, tuple[str, ...]] = {
    "stock_price": _phrases("""
        price, stock price, share price, price per share, price of a share, market price, closing price,
        quote, stock quote, price quote, trading at, trade at, trades at, trading for, price history, price
        chart, stock chart, previous close, stock cost, share cost, shares cost, one share of, a share of,
        stock trading, cost per share
    """),
    "income_statement": _phrases("""
        income statement, statement of income, statement of operations, profit and loss, p&l, earnings
        report, revenue, sales, net sales, top line, bottom line, net income, net profit, net earnings, net
        loss, profit, earnings, operating income, operating profit, gross profit, cost of revenue, cost of
        goods sold, cogs, cost of sales, operating expense, r&d, r&d spending, r&d expense, research and
        development, eps, earnings per share, ebit, ebitda, income tax, interest expense, pretax income
    """),
    "company_financials": _phrases("""
        financials, company financials, financial statements, financial data, financial figures,
        fundamentals, balance sheet, cash flow, cash flow statement, free cash flow, fcf, operating cash
        flow, debt, total debt, net debt, long term debt, asset, liability, total assets, total liabilities,
        equity, shareholders equity, shareholders' equity, stockholders equity, stockholders' equity, book
        value, margin, gross margin, operating margin, net margin, profit margin, net profit margin, ebitda
        margin, ratio, financial ratio, p/e, p/e ratio, pe ratio, price to earnings, price to earnings
        ratio, price earnings ratio, earnings yield, p/b, p/b ratio, price to book, price to book ratio,
        p/s, p/s ratio, price to sales, price to sales ratio, peg ratio, roe, return on equity, roa, return
        on assets, roic, return on invested capital, current ratio, quick ratio, debt to equity, debt to
        equity ratio, debt equity ratio, interest coverage, working capital, capex, capital expenditure,
        dividend, dividend yield, payout ratio, buyback, share buyback, market cap, market capitalization,
        market capitalisation, enterprise value, ev/ebitda, key metrics, leverage, liquidity, solvency,
        valuation, revenue growth, sales growth, inventory, goodwill, retained earnings, cash and
        equivalents, cash position
    """),
    "report": _phrases("""
        report, full report, annual report, company report, research report, analysis, analyse, analyze,
        overview, tell me about, tell me more about, tell me everything about, compare, comparison, vs,
        versus, summary, summarise, summarize, deep dive, profile, company profile, research, strengths,
        weaknesses, strengths and weaknesses, all about, everything about, look into, snapshot
    """),
}

LOOSE: dict[Category, tuple[str, ...]] = {
    "stock_price": _phrases("""
        stock, share, worth, cost, ticker, market value, value of a share, 52 week high, 52 week low, all
        time high, all time low, closed at, close at, traded at, volume, trading, stock doing, stock
        performing, stock performance, cheap, expensive
    """),
    "income_statement": _phrases("""
        profitable, profitability, income, money did, make money, makes money, earn, earned, earning, lose
        money, losing money, expenses, costs, turnover, result, § make, § makes, § made
    """),
    "company_financials": _phrases("""
        cash, financial health, financially, financial position, financial condition, financial situation,
        financial strength, financial performance, owe, owes, borrowed, metrics, growth, growing, liquid,
        solvent, bankrupt, overvalued, undervalued, indebted, number, figure
    """),
    "report": _phrases("""
        how is, how are, how does, doing, performing, performance, better, best, difference, differ,
        stronger, strongest, news, risk, company, business, which one, which of
    """),
}

COMPARE = _phrases("""
    compare, compared, comparing, comparison, vs, versus, better than, difference, against, stack up
""")
WHAT_ABOUT = _phrases("""
    what about, how about, and what about, same for, the same for, and for, and of, now for, also for, and,
    now
""")
POINTS_BACK = _phrases("""
    it, its, they, their, theirs, them, that company, this company, the company, these companies, those
    companies, the companies, both, the two, each of them, that stock, this stock, the stock, which one,
    which of them, same company, that one, the first one, the second one, the other one, itself
""")
NEGATION = _words("not no without except don't dont doesn't isn't never neither nor excluding skip")
COVERAGE = _phrases("""
    which companies do you, what companies do you, which stocks do you, what stocks do you, what data do you,
    which data do you, companies do you know, companies do you cover, companies do you have, list of companies,
    which companies can i, what companies can i, companies are embedded, list the companies, list all companies
""")
CONTRAST = _phrases("instead of, rather than")

CONCEPT = _phrases("""
    what is, what are, what, whats, what does, define, definition, definition of, explain, meaning, meaning
    of, mean, means, stand for, stands for, how do i calculate, how do you calculate, how is, how are, how
    to calculate, calculate, calculated, compute, computed, how do i read, how to read, how do you read,
    read, interpret, formula, formula for, difference between, difference, concept, term, describe,
    understand, vs, versus, teach me, learn about, tell me about, what do you mean by, remind me what, work,
    works, measure, tell, matter, important, example, how does, how do
""")
CONCEPT_FILLERS = _words("""
    good bad high low healthy normal typical it finance investing accounting why between gross net operating
    pretax
""")

ADVICE = _phrases("""
    should i, should we, should one, would you buy, would you sell, a buy, a sell, buy or sell, buy §, sell
    §, hold §, good investment, bad investment, safe investment, worth buying, worth investing, worth it,
    good time to buy, right time to buy, recommend, good buy, good stock, invest in
""")
FORECAST = _phrases("""
    will, going to, gonna, predict, prediction, forecast, price target, target price, price prediction,
    expected to, next year, next month, next week, next quarter, tomorrow, in the future, in five years, in
    ten years, crash, go up, go down
""")
POLITE_WILL = _phrases("will you, i will, i'm going to, i am going to, we are going to, we're going to")

GREETING = _words("""
    hi hello hey howdy greetings good morning afternoon evening day there everyone all team finassist yo
    again sup welcome nice to meet you how are doing
""")
GREETING_STARTS = _words("hi hello hey howdy greetings yo sup good welcome nice")
THANKS = _phrases("""
    thanks, thank you, thank you very much, thanks a lot, cheers, much appreciated, thx, great, ok, okay,
    cool, perfect, thank you so much, very helpful
""")
GOODBYE = _phrases("bye, goodbye, good bye, see you, see you later, good night, ciao")
HELP = _phrases("""
    help, help me, please help, what can you do, what can you do for me, what do you do, what can i ask,
    what can i ask you, what should i ask, who are you, what are you, what is finassist, how does this work,
    how do you work, how do i use this, how to use this, how do i start, get started, getting started,
    capabilities, what are your capabilities, what questions can i ask, what else can you do, usage,
    commands, instructions, examples, show me examples, can you help me, can you help, menu, how do i use
    finassist, how does finassist work, tell me about yourself, introduce yourself
""")

BARE_FILLERS = _words("""
    a an the and or for of on to is how what who please show give tell get me us i want company companies inc corp
    ticker symbol hi hello hey vs ok okay
""")
LEADS = _words("ok okay so now then thanks thank you great cool fine well yes no")
FILLERS = _words("""
    a an the of for in on to at by from with and or but also then so is are was were be been being am do
    does did has have had what whats which who how much many when where i me my we us our you your please
    kindly show give tell get fetch find look up pull see want wanted need like would could can may might
    will let lets know just only current currently latest newest recent recently today now right last past
    this year years annual annually yearly quarter quarterly month months week weeks day days five four
    three two one ten fiscal fy per total overall complete full detailed brief short quick all its their as
    well hi hello hey thanks thank some any there that information info details data figures figure numbers
    number stock stocks share shares company companies inc corp corporation ticker symbol usd dollars common
    history display list print
    cost write make made create prepare pay pays paid about previous before same
""")
