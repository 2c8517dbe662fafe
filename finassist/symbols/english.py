"""Which words of a question are ordinary English or finance language, and so name no company by themselves."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

from finassist.symbols.names import word_set

ABBREVIATIONS = word_set(
    "a adr ai aka am api ath aum bn bps btw c capex cagr cash cd ceo cfo cogs coo cpi cpu csv cto "
    "dcf dd diy dps ebit ebitda ema eps esg est etf etfs eu eur ev evs faq fcf fed ffo fifo fx fy "
    "gaap gbp gdp gpu hq hr hy i ifrs ipo ipos ir ira irr it jpy k lifo llc llm lng ltd ltm ltv "
    "macd mm mom mrq nav ncav nii nim nopat npv nyse oem ok opex otc otm pb pc pcf pdf pe peg pfcf "
    "pm pnl ppe ppi pr ps q qa qe qoq rd rnd reit reits roa roce roe roi roic rsi rota rs sec sga sma "
    "sme sql ssr tam tba tbd tco ttm tv uk un url us usa usd usdt vat vc vix vwap wacc yoy ytd ytm ui "
    "ux id ip os ad am fwd std wfh nft nfts spac spacs saas lbo mbo arr mrr kpi kpis yr yrs qtr cnn "
    "cnbc bbc wsj nfl nba irs fda doj ftc fdic imf opec nato gpt iot vr ar ml agi btc eth xrp doge sp "
    "spx djia dow"
)
"""Abbreviations of finance, time, places and technology that are never a ticker unless marked as one."""

_FINANCE = word_set(
    "accrual accruals amortisation amortization amortize annualized arbitrage backtest balance "
    "bearish beta bitcoin blockchain blockchains bps brokerage bullish buyback buybacks capex "
    "capitalisation capitalization cboe collateral commodities commodity consensus convertible crypto "
    "cryptocurrencies cryptocurrency debenture deflation deleverage derivative derivatives dilution "
    "diluted disclosure diversification diversified diversify dividend dividends dow drawdown ebit "
    "ebitda ecommerce equities equity etf etfs ethereum eurodollar fiduciary fintech fintechs float "
    "fundamentals futures goodwill hedge hedging headcount impairment inflation intangible "
    "intangibles ipo kpi kpis leverage leveraged liabilities liability liquidity macro macroeconomic "
    "margin margins megacap microcap midcap moat multiples nasdaq nyse obligation opex outperform "
    "payout payouts portfolio portfolios receivable receivables reinvest reit reits restated "
    "restructuring roe roi sharpe shareholder shareholders smallcap largecap solvency spac "
    "stagflation stockholder stockholders subsidiaries subsidiary takeover tariffs ticker tickers "
    "underperform underwriting unlevered valuation valuations volatility wacc webull yields yield "
    "biotech biotechs semiconductor semiconductors software hardware online website chatgpt chatbot "
    "api apis dataset metadata covid pandemic alpha gamma theta vega rho vanna fiscal quarterly "
    "yearly annually monthly ytd yoy eps ratio ratios workflow notebook jupyter python pandas altman "
    "piotroski graham buffett warren elon musk fibonacci bollinger macd ebitdas nopat wall treasuries "
    "fomc powell yellen stonks hodl meme memes coin coins token tokens altcoin altcoins gonna wanna "
    "gotta lemme gimme pls plz thx lol hey hello howdy hola bonjour cfo ceo cto ipos okay ok yeah yep "
    "nope vs versus whats hows wheres whos dont doesnt isnt arent cant wont im ive id youre thats "
    "lets didnt couldnt shouldnt wouldnt profitability scalability sustainability creditworthiness "
    "covenants covenant turnover capital gross inventories inventory deferred overvalued undervalued "
    "oversold overbought outlook guidance summarize summarise analyze analyse analyse visualize "
    "dataframe recession depreciation fintech insider greenshoe prospectus underwriter coupon "
    "maturity benchmark benchmarks index indices indexes bonds bond options calls puts warrants "
    "warrant annuity annuities cds securitization securitisation yieldco payables payable preferred "
    "unsecured subordinated swap swaps cashflow cashflows bankruptcies bankruptcy insolvency delisted "
    "delisting spinoff spinoffs spin merger mergers"
)

_CLIPPED = word_set(
    "app apps tech techs pharma pharmas startup startups docs stat stats comp comps ppl lite sats exp gen geo sim "
    "bros bro congrats demo demos memo memos promo promos repo repos spec specs typo typos"
)
"""Short forms people type in small letters; in capitals some of them are tickers."""

_NAMES = word_set("alan bill bob dan dave ed jan jim joe john mary mike musa pam ron sam steve sue ted tim tom")

_PLACES = word_set(
    "africa african america american americas arab arabia argentina asia asian atlantic austin "
    "australia australian austria baltimore bangkok beijing belgium berlin boston brazil brazilian "
    "britain british brussels california canada canadian caribbean chicago chile china chinese "
    "colombia colorado dallas denmark detroit dubai dublin dutch egypt england english europe "
    "european finland florida france french frankfurt geneva georgia german germany greece greek "
    "hawaii holland houston iceland illinois india indian indonesia iran iraq ireland irish israel "
    "israeli italian italy japan japanese jersey kansas kenya korea korean kuwait latin london madrid "
    "malaysia manhattan mexican mexico miami michigan milan minnesota montana moscow mumbai nevada "
    "norway nigeria ohio oregon pacific pakistan panama paris pennsylvania peru philippines poland "
    "portugal qatar russia russian scotland scottish seattle seoul shanghai singapore spain spanish "
    "sweden swedish swiss switzerland sydney taiwan taiwanese tennessee texas thailand tokyo toronto "
    "turkey turkish ukraine vancouver venezuela vermont vietnam virginia washington york zurich "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june "
    "july august september october november december christmas easter kong hong congress senate "
    "republican democrat trump biden obama"
)


@cache
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    packed = (files("finassist.symbols") / "files" / "words.txt.gz").read_bytes()
    common, rarer = gzip.decompress(packed).decode().split("\n")
    everyday = frozenset(common.split()) | ABBREVIATIONS | {"nasdaq", "cboe"}
    return everyday, everyday | frozenset(rarer.split()) | _FINANCE | _PLACES | _CLIPPED | _NAMES


def common_words() -> frozenset[str]:
    """Words so common that even in capitals they are no ticker unless marked as one; with `ABBREVIATIONS`."""
    return _lists()[0]


def ordinary_words() -> frozenset[str]:
    """Every word that has a meaning of its own in English or in finance, folded."""
    return _lists()[1]
