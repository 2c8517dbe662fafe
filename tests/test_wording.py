"""Questions in words that the tables do not list: years in words, idioms, usual formulas, parts of a company."""

import pytest

from finassist import FinancialAssistantWorkflow, InvalidQuery, Query
from finassist.core.filters import Filter
from finassist.questions.parser import understand
from finassist.questions.slots import Memory, remember

WORDED = [
    (
        "Did Ford close above $15 at any time in 2023?",
        "number of periods by share price of F where share price > 15 in 2023",
    ),
    ("What was the range of Tesla's closing price in Q1 2024?", "range of share price of TSLA in Q1 2024"),
    ("Which company has the 7th largest revenue?", "revenue of all companies (top 7)"),
    ("Which homebuilder turned its inventory fastest?", "inventory turnover of all companies in Homebuilding (top 10)"),
    (
        "Which health care company improved its margin most in 2024?",
        "net margin growth of all companies in Health Care in 2024 (top 1)",
    ),
    ("What was Apple's price to earnings in 2023?", "P/E of AAPL in 2023"),
    ("Which S&P 500 company has the highest revenue per share?", "revenue per share of all companies (top 1)"),
    ("How fast is AMD growing?", "growth of revenue of AMD"),
    ("Is Walmart growing faster than Target?", "growth of revenue of WMT, TGT"),
    ("How efficient is Costco at managing inventory?", "inventory turnover of COST"),
    ("How much has Merck sold over the last 12 months?", "revenue of MRK in TTM"),
    (
        "R&D ate up how many percent of PTC's revenue in fiscal 2023?",
        "R&D expense as a share of revenue of PTC in FY2023",
    ),
    ("SBA net income 2022", "net income of SBAC in 2022"),
    ("First Solar net income 2022", "net income of FSLR in 2022"),
    ("Target net income 2022", "net income of TGT in 2022"),
    ("From January to March 2025, what revenue did Warner Bros. Discovery bring in?", "revenue of WBD in 2025-03"),
    (
        "American Tower turned how many percent of its 2022 revenue into net profit?",
        "net income as a share of revenue of AMT in 2022",
    ),
    ("How many times its earnings does T. Rowe Price's stock currently cost?", "P/E of TROW"),
    (
        "From peak to bottom, what was the biggest slide in Seagate's closing price within 2022?",
        "maximum drawdown of STX in 2022",
    ),
    ("VMC 2023 op. CF", "operating cash flow of VMC in 2023"),
    ("I was told Teradyne made a lot in 2021 - what was the exact net income?", "net income of TER in 2021"),
    ("Amgen or Gilead, 2023 - who returned more cash as dividends?", "dividends paid of AMGN, GILD in 2023"),
    (
        "How many billions more than T-Mobile did AT&T take in in 2023 revenue?",
        "difference in revenue of T, TMUS in 2023",
    ),
    ("Align's most painful month on the market in 2022?", "share price change of ALGN in 2022"),
    ("First, Apple revenue 2023", "revenue of AAPL in 2023"),
    (
        "Between the first and second quarter of 2024, by what percent did Valero's revenue change?",
        "growth of revenue of VLO in Q1 2024:Q2 2024",
    ),
    ("Meta's worst month ever", "share price of META in 2015:latest"),
    (
        "Which tech companies spend most on R&D relative to revenue?",
        "R&D to revenue of all companies in Information Technology (top 10)",
    ),
    ("How much has Apple's dividend grown in 5 years?", "growth of dividends per share of AAPL in last 5 years"),
    ("When did Uber become profitable?", "net income of UBER where net income > 0 in last 12 years"),
    (
        "How many years in a row has Coca-Cola raised its dividend?",
        "dividends per share growth of KO where dividends per share growth > 0 in last 12 years",
    ),
    (
        "Which company has grown revenue five years in a row?",
        "revenue growth of all companies where revenue growth > 0 in every year of last 5 years",
    ),
    ("What's Apple worth?", "market value of AAPL"),
    ("Ratio of Apple's market cap to Microsoft's", "ratio of market value of AAPL, MSFT"),
    ("Highest yielding stocks", "dividend yield of all companies (top 10)"),
    ("Companies growing faster than 30%", "revenue growth of all companies where revenue growth > 0.3"),
    ("Apple revenue now vs 5 years ago", "revenue of AAPL in latest-5:latest"),
    ("Where is Caterpillar based?", "headquarters of CAT"),
    ("What year did Ford lose the most money?", "lowest net income of F"),
    ("Apple's record net income", "highest net income of AAPL"),
    (
        "Which health companies lost money in 2023?",
        "net income of all companies in Health Care where net income < 0 in 2023",
    ),
    ("largest food companies by net income 2023", "net income of all companies in Packaged Foods in 2023 (top 10)"),
    ("cheapest telecom stock by P/E", "P/E of all companies in Telecommunication (bottom 1)"),
    (
        "Which American companies had a market cap above $1T in 2024?",
        "market value of all companies where market value > 1e+12 in 2024",
    ),
    ("receita da Nike no 2T23", "revenue of NKE in Q2 2023"),
    ("Bénéfice net de Pepsi au T3 2024", "net income of PEP in Q3 2024"),
    (
        "¿Qué empresas de salud perdieron dinero en 2023?",
        "net income of all companies in Health Care where net income < 0 in 2023",
    ),
    ("5-factor DuPont for Microsoft FY2024", "DuPont return on equity in five steps of MSFT in FY2024"),
    ("Split Nike's ROE into margin, turnover and leverage", "DuPont return on equity of NKE"),
    ("What does the market expect Nvidia to grow at?", "growth implied by the price of NVDA"),
    ("How fast can Walmart grow without raising equity?", "sustainable growth rate of WMT"),
    ("Does Costco pass the Piotroski test?", "Piotroski F-score of COST"),
    ("Ben Graham's fair value of Verizon", "Graham number of VZ"),
    ("How closely do Visa and Mastercard move together?", "correlation of V"),
    ("Best risk-adjusted return among Apple, Microsoft and Nvidia", "Sharpe ratio of AAPL, MSFT, NVDA"),
    ("What would Ford trade at on its peers' median P/B?", "median P/B of F against peers"),
    ("Largest peak-to-trough loss of Nvidia since 2022", "maximum drawdown of NVDA in 2022:latest"),
    ("companies with P/E between 10 and 15", "P/E of all companies where P/E between 10 and 15"),
    (
        "Piotroski between 7 and 8 in health care",
        "Piotroski F-score of all companies in Health Care where Piotroski F-score between 7 and 8",
    ),
    (
        "why did Intel lose money in 2024?",
        "revenue and gross profit and operating income and pre-tax income and income "
        "tax and net income of INTC in 2024",
    ),
    (
        "What caused Boeing's loss?",
        "revenue and gross profit and operating income and pre-tax income and income tax and net income of BA",
    ),
    (
        "Average net margin of the ten most valuable companies",
        "mean net margin of all companies where market value top 10",
    ),
    (
        "Total net income of the ten most profitable companies in 2023",
        "sum of net income of all companies where net income top 10 in 2023",
    ),
    (
        "Median P/E of the 20 largest tech companies by market cap",
        "median P/E of all companies in Information Technology where market value top 20",
    ),
    (
        "Average revenue of companies with net margin above 40% in 2023",
        "mean revenue and net margin of all companies where net margin > 0.4 in 2023",
    ),
    ("What was Adobe's third-quarter revenue in fiscal 2023?", "revenue of ADBE in Q3 2023"),
    ("Nike's second half revenue, 2023", "revenue of NKE in H2 2023"),
    ("How long does Nike take to collect its receivables?", "days sales outstanding of NKE"),
    ("How long did Walmart take to pay its suppliers in 2023?", "days payable outstanding of WMT in 2023"),
    ("Nike's third quarter revenue", "revenue of NKE in latest Q3"),
    (
        "Which of the ten largest companies had the highest net margin?",
        "net margin of all companies where market value top 10 (top 1)",
    ),
    (
        "Of the five most valuable companies, which had the lowest P/E?",
        "P/E of all companies where market value top 5 (bottom 1)",
    ),
    (
        "The five most profitable companies: which of them has the highest ROE?",
        "return on equity of all companies where net income top 5 (top 1)",
    ),
    (
        "Among the 20 companies with the most revenue, which five have the highest net margin?",
        "net margin of all companies where revenue top 20 (top 5)",
    ),
    (
        "The 5 biggest companies by revenue, ranked by net margin",
        "net margin of all companies where revenue top 5 (top 5)",
    ),
    (
        "What is left of Nike's operating cash flow after capex, dividends and buybacks in 2023?",
        "operating cash flow - capital expenditure - cash returned to shareholders of NKE in 2023",
    ),
    ("Nike cash left over after capex and dividends 2023", "free cash flow less dividends paid of NKE in 2023"),
    ("After capex, what is left of Nike's operating cash flow in 2023?", "free cash flow of NKE in 2023"),
    (
        "Spread between the highest and lowest net margin among Apple, Adobe and Nike in 2023",
        "range of net margin of AAPL, ADBE, NKE in 2023",
    ),
    ("Spanne der Nettomarge von Nike, Costco und Target 2023", "range of net margin of NKE, COST, TGT in 2023"),
    ("Nike net income in the last four quarters", "net income of NKE in TTM"),
    ("Nike net income in each of the last four quarters", "net income of NKE in last 4 quarters"),
    ("Which company had the most revenue over the last four quarters?", "revenue of all companies in TTM (top 1)"),
    ("Umsatz von Nike in den letzten vier Quartalen", "revenue of NKE in TTM"),
    ("Chiffre d'affaires de Nike sur les quatre derniers trimestres", "revenue of NKE in TTM"),
    ("How many times the revenue of Apple was the revenue of Adobe?", "ratio of revenue of ADBE, AAPL"),
    ("How many times Coca-Cola's revenue is PepsiCo's in 2023?", "ratio of revenue of PEP, KO in 2023"),
    ("What multiple of Nike's net income was Visa's in 2022?", "ratio of net income of V, NKE in 2022"),
    ("Total revenue of Nike in 2021, 2022 and 2023", "sum of revenue of NKE in 2021 and 2022 and 2023"),
    ("Nike total revenue 2022 vs 2023", "growth of revenue of NKE in 2022 and 2023"),
    ("Nike total assets in 2021, 2022 and 2023", "total assets of NKE in 2021 and 2022 and 2023"),
    ("Apple rev FY23 v FY22", "growth of revenue of AAPL in FY2023 and FY2022"),
    ("Nike Umsatz 2023 im Vergleich zu 2022", "growth of revenue of NKE in 2023 and 2022"),
    ("Nike - capex 2023 - revenue 2023", "capital expenditure and revenue of NKE in 2023"),
    (
        "Capex as a percentage of net income - Target 2022",
        "capital expenditure as a share of net income of TGT in 2022",
    ),
    ("Trailing four-quarter net income of Nike", "net income of NKE in TTM"),
    ("Caterpillar stock at the end of March 2022?", "share price of CAT in 2022-03"),
    ("CAT TL/TA FY23", "total liabilities as a share of total assets of CAT in FY2023"),
    ("Do not confuse Visa with Vistra: Visa revenue 2022", "revenue of V in 2022"),
    ("What did Caterpillar (the machine maker) earn in 2022?", "net income of CAT in 2022"),
    ("Fortinet 2022年研发费用占营收的百分比是多少?", "R&D expense as a share of revenue of FTNT in 2022"),
    ("Fortinetの研究開発費は2022年の売上高の何%ですか?", "R&D expense as a share of revenue of FTNT in 2022"),
    ("Carrier: net income 2022", "net income of CARR in 2022"),
    ("Price / earnings - Comcast", "P/E of CMCSA"),
    ("CMCSA FY22 OM", "operating margin of CMCSA in FY2022"),
    ("ADBE OM FY22", "operating margin of ADBE in FY2022"),
    ("HLT LTM NI", "net income of HLT in TTM"),
    ("CAT shs dil. FY23", "diluted shares of CAT in FY2023"),
    ("For ALL, what was revenue in 2022? (the ticker, not the word)", "revenue of ALL in 2022"),
    ("Ford, never to be confused with Tesla: revenue 2022", "revenue of F in 2022"),
    ("Vertex net income 2022", "net income of VRTX in 2022"),
    ("Quanto somam as receitas de Visa e Mastercard em 2022?", "sum of revenue of V, MA in 2022"),
    ("Welchen Anteil seines Umsatzes gab Adobe 2022 für F&E aus?", "R&D expense as a share of revenue of ADBE in 2022"),
    ("How much more did Merck earn than Pfizer in 2024, in dollars?", "difference in net income of MRK, PFE in 2024"),
    (
        "How much higher was Apple's revenue than Microsoft's in 2023, in percent?",
        "revenue / revenue of MSFT - 1 of AAPL in 2023",
    ),
    ("How much free cash flow did Uber generate in the last four quarters?", "free cash flow of UBER in TTM"),
    (
        "How many of these had a net margin above 10% in 2023: Hershey, General Mills, Tyson Foods?",
        "number of companies by net margin of HSY, GIS, TSN where net margin > 0.1 in 2023",
    ),
    ("Compare Coca-Cola's and Pepsi's net margin from 2021 to 2024", "net margin of KO, PEP in 2021:2024"),
    (
        "gross, operating and net margin of Adobe in FY2024",
        "gross margin and operating margin and net margin of ADBE in FY2024",
    ),
    ("What were Lowe's current and quick ratio in FY2023?", "current ratio and quick ratio of LOW in FY2023"),
    ("Operating and free cash flow of Chevron, FY2022", "operating cash flow and free cash flow of CVX in FY2022"),
    (
        "Which companies have raised their dividend per share every year since 2018?",
        "dividends per share growth of all companies where dividends per share growth > 0 in every year of 2018:latest",
    ),
    ("Median P/E in the S&P 500", "median P/E of all companies"),
    ("total revenue of the S&P 500 in FY2024", "sum of revenue of all companies in FY2024"),
    ("Which S&P 500 stock rose most in 2023?", "share price change of all companies in 2023 (top 1)"),
    ("Which stocks in the S&P 500 fell the most in 2022?", "share price change of all companies in 2022 (bottom 10)"),
    ("What was the highest close of the S&P 500 in 2024?", "share price of ^GSPC in 2024"),
    ("did Nvidia beat the market in 2023?", "share price change of NVDA, ^GSPC in 2023"),
    ("correlation between Coke and the S&P 500", "correlation of KO"),
    ("Tesla's beta vs the S&P 500 in 2024", "beta of TSLA in 2024"),
    ("average annual return of Walmart over the last 5 years", "annualised return of WMT in last 5 years"),
    ("is Tesla riskier than Ford?", "volatility of TSLA, F"),
    ("quality scores of Adobe", "Piotroski F-score and Altman Z-score and accruals ratio of ADBE"),
    ("How much more R&D than Ford did GM report in 2024?", "difference in R&D expense of GM, F in 2024"),
    ("qualcom R&D expence FY2023", "R&D expense of QCOM in FY2023"),
    (
        "total free cash flow of Visa across FY2021, FY2022 and FY2023",
        "sum of free cash flow of V in FY2021 and FY2022 and FY2023",
    ),
    ("How far is Adobe below its 52-week high?", "distance from the high of ADBE"),
    ("How much below its peak did Meta close in 2022?", "distance from the high of META in 2022"),
    ("Gross margin for Hershey in 22", "gross margin of HSY in 2022"),
    ("Microsoft's last close of 2023", "share price of MSFT in end 2023"),
    ("Lowest close of Starbucks between January and June 2024", "share price of SBUX in 2024-01:2024-06"),
    ("Deere: dollars per share gained or lost in 2022?", "difference in share price of DE in 2022"),
    (
        "Industrials up more than 75% in 2025, list them",
        "share price change of all companies in Industrials where share price change > 0.75 in 2025",
    ),
    (
        "Retailers where both revenue and net income fell in FY2024?",
        "revenue growth and net income growth of all companies in Retail where revenue growth < 0 and"
        " net income growth < 0 in FY2024",
    ),
    (
        "Health care with R&D > 25% of revenue and net margin > 20%, FY24",
        "R&D expense as a share of revenue and net margin of all companies in Health Care where R&D expense as a"
        " share of revenue > 0.25 and net margin > 0.2 in FY2024",
    ),
    (
        "Materials names with FY2024 revenue down by more than 10%?",
        "revenue growth of all companies in Materials where revenue growth < -0.1 in FY2024",
    ),
    (
        "Which bank had the most negative net income in FY2023?",
        "net income of all companies in Banks in FY2023 (bottom 1)",
    ),
    ("Top 3 insurers with the lowest P/B", "P/B of all companies in Insurance (bottom 3)"),
    (
        "Among banks with FY2024 revenue above $50 billion, which one grew its revenue fastest?",
        "revenue growth and revenue of all companies in Banks where revenue > 5e+10 in FY2024 (top 1)",
    ),
    (
        "Of the railroads with net income over $2 billion in 2023, which had the lowest net margin?",
        "net margin and net income of all companies in Rail Transportation where net income > 2e+09 in 2023 (bottom 1)",
    ),
    ("What multiple of UPS's 2023 revenue was FedEx's?", "ratio of revenue of FDX, UPS in 2023"),
    ("Quelle est la somme des revenus de Ford et GM en 2023 ?", "sum of revenue of F, GM in 2023"),
    ("¿Cuál es la suma de los ingresos de Visa y Mastercard en 2022?", "sum of revenue of V, MA in 2022"),
    ("Kroger's net income for 2022, not Walmart's or Target's", "net income of KR in 2022"),
    ("Not Visa, but Mastercard: what was its revenue in 2023?", "revenue of MA in 2023"),
    ("EBITDA of Hilton rather than Marriott in 2023", "EBITDA of HLT in 2023"),
    ("CAT OCF FY23", "operating cash flow of CAT in FY2023"),
    ("deere closing prise 29 december 2023", "share price of DE in 2023-12-29"),
    ("What was the lowest price Kroger stock fell to in 2023?", "share price of KR in 2023"),
    ("On what date did Kroger shares hit their 2023 peak?", "share price of KR in 2023"),
    ("Adobe's all-time high close", "share price of ADBE in 2015:latest"),
    ("By what percentage is PayPal below its all-time high?", "distance from the high of PYPL in 2015:latest"),
    ("Who lost more in 2023, Pfizer or Moderna stock?", "share price change of PFE, MRNA in 2023"),
    (
        "Which grew faster in 2023, Kroger's or Target's revenue, and by how many points?",
        "difference in revenue growth of KR, TGT in 2023",
    ),
    (
        "How much faster did Adobe's revenue grow than Oracle's in 2023?",
        "difference in revenue growth of ADBE, ORCL in 2023",
    ),
    (
        "In which year did Qualcomm's gross margin worsen the most between 2016 and 2023?",
        "lowest gross margin growth of QCOM in 2016:2023",
    ),
    ("Deere sales 2021→2024 %", "growth of revenue of DE in 2021:2024"),
    ("Kellogg's rival General Mills: revenue for 2022, not 2021", "revenue of GIS in 2022"),
    ("Kroger's operating margin, not the net margin, in 2023", "operating margin of KR in 2023"),
    ("I don't want Visa, I want Mastercard: net margin 2023", "net margin of MA in 2023"),
    (
        "Which firms earned more than $20 billion of net income in FY2024?",
        "net income of all companies where net income > 2e+10 in FY2024",
    ),
    ("What does Target earn per dollar of sales?", "net margin of TGT"),
    ("How many cents of profit did Kroger make per dollar of revenue in 2023?", "net margin of KR in 2023"),
    ("What multiple of its 2016 revenue did AMD make in 2023?", "ratio of revenue of AMD in 2016 and 2023"),
    (
        "By how many points did Adobe's revenue growth slow between 2021 and 2023?",
        "difference in revenue growth of ADBE in 2021:2023",
    ),
    ("Which had the higher revenue in 2023, Kroger or Target, not counting Walmart?", "revenue of KR, TGT in 2023"),
    ("AMD lo px 2023", "share price of AMD in 2023"),
    ("ADBE GM FY24 vs FY20 in pp", "growth of gross margin of ADBE in FY2024 and FY2020"),
    ("Lowe's revenue 2019 vs 2023 in percent", "growth of revenue of LOW in 2019 and 2023"),
    ("Development of Chevron's revenue 2019 to 2023 in percent", "growth of revenue of CVX in 2019:2023"),
    (
        "Gap in 2023 revenue growth between Visa and Mastercard, in percentage points",
        "difference in revenue growth of V, MA in 2023",
    ),
    (
        "Hershey: in which fiscal year from 2018 to 2024 did revenue grow slowest, and at what rate?",
        "lowest revenue growth of HSY in 2018:2024",
    ),
    ("When did Deere's net income fall the most from 2016 to 2023?", "lowest net income growth of DE in 2016:2023"),
    ("Was Ford's R&D spending higher in 2023 than it had been in 2018?", "growth of R&D expense of F in 2023 and 2018"),
    ("Have Oracle's dividends gone up since 2019? Compare with 2022.", "growth of dividends paid of ORCL in 2019:2022"),
    (
        "net profit per dollar of sales of Paccar in 2022, expressed as a percentage",
        "net income as a share of revenue of PCAR in 2022",
    ),
    ("Honeywell? no, sorry, Eaton: LTM revenue", "revenue of ETN in TTM"),
    ("MCD GM? no: EBIT mgn FY25", "operating margin of MCD in FY2025"),
    ("Ford EPS 2024... actually make it GM", "diluted EPS of GM in 2024"),
    ("Nike revenue FY2024? wait, no, gross profit FY2024", "gross profit of NKE in FY2024"),
    (
        "How often did AMD close above 100 dollars... forget it. Just: close on 13 March 2024",
        "share price of AMD in 2024-03-13",
    ),
    ("Not Marriott, I want Hilton: net income in 2023", "net income of HLT in 2023"),
    ("DE capex 2023", "capital expenditure of DE in 2023"),
    ("Apple's share price over the last 12 months", "share price of AAPL in TTM"),
    ("Nvidia's share price for the last 52 weeks", "share price of NVDA in last 364 days"),
    ("Tesla's close two weeks ago", "share price of TSLA in 14 days ago"),
    ("Apple share price a year ago", "share price of AAPL in latest-1"),
    ("Apple's net margin in the prior year", "net margin of AAPL in latest-1"),
    ("Apple revenue versus the year before", "growth of revenue of AAPL"),
    ("Did Tesla or Ford do better over the last 8 weeks?", "share price change of TSLA, F in last 56 days"),
    (
        "Which companies' revenue fell more than 10% in FY2023?",
        "revenue growth of all companies where revenue growth < -0.1 in FY2023",
    ),
    (
        "How many companies' revenue fell less than 5% in FY2023?",
        "number of companies by revenue growth of all companies where revenue growth between -0.05 and 0 in FY2023",
    ),
    (
        "Which utilities saw net income drop between 10% and 20% in FY2023?",
        "net income growth of all companies in Utilities where net income growth between -0.2 and -0.1 in FY2023",
    ),
    (
        "Companies whose revenue fell but net income rose in FY2024",
        "revenue growth and net income growth of all companies where revenue growth < 0 and net income growth > 0 in"
        " FY2024",
    ),
    (
        "Which bank stocks are down more than 5% this year?",
        "share price change of all companies in Banks where share price change < -0.05 in YTD",
    ),
    (
        "Which stocks rose over 20% in 2024 and over 10% in 2025?",
        "share price change of all companies where share price change > 0.2 in 2024 and share price change > 0.1 in"
        " 2025 in 2025",
    ),
    ("Top 5 stocks by return over the past 12 months", "share price change of all companies in TTM (top 5)"),
    ("what was the growth of progressive's revenue in 2023, then in 2024?", "revenue growth of PGR in 2023 and 2024"),
    (
        "Which converted more of its net income into free cash flow in 2023, Visa or Mastercard?",
        "free cash flow as a share of net income of V, MA in 2023",
    ),
    ("How much of Ford's and GM's combined 2024 revenue was GM's?", "share of revenue of GM, F in 2024"),
    (
        "Compute the ratio of dividends paid to free cash flow for Pepsi in 2023. Express it in percent.",
        "dividends paid as a share of free cash flow of PEP in 2023",
    ),
    ("Texas Instruments capex twenty twenty-four", "capital expenditure of TXN in 2024"),
    ("Amgen revenue twenty nineteen", "revenue of AMGN in 2019"),
    ("Visa top line, 24 over 23, pct", "growth of revenue of V in 2023:2024"),
    ("Nike revenue for the first three months of 2025", "revenue of NKE in Q1 2025"),
    ("Datadog 4Q24 revenue vs 4Q23: percent change", "growth of revenue of DDOG in Q4 2024 and Q4 2023"),
    ("Nike lifted its turnover by what percentage in fiscal 2023?", "growth of revenue of NKE in FY2023"),
    ("Intel's capex from 2021 to 2024, totalled", "sum of capital expenditure of INTC in 2021:2024"),
    ("FDX FY25 CFO less cx", "free cash flow of FDX in FY2025"),
    ("Trade Desk, revenues, last four quarters summed", "revenue of TTD in TTM"),
    ("What did Wabtec sell in 2022?", "revenue of WAB in 2022"),
    ("How much R&D did NXP report in 2023?", "R&D expense of NXPI in 2023"),
    ("Never mind Apple, what about Intel's revenue in 2024?", "revenue of INTC in 2024"),
    ("Nvidia revenue in Q1 FY2027", "revenue of NVDA in Q1 2027"),
    ("BRKB revenue in 2024", "revenue of BRK-B in 2024"),
    (
        "By how much did Apple's operating cash flow exceed its net income in 2023?",
        "operating cash flow less net income of AAPL in 2023",
    ),
    (
        "How many times larger was Nike's revenue than its inventory in 2023?",
        "ratio of revenue to inventory of NKE in 2023",
    ),
    (
        "Which firms posted a net loss yet more than $2 billion of free cash flow in FY2023?",
        "net income and free cash flow of all companies where free cash flow > 2e+09 and net income < 0 in FY2023",
    ),
    (
        "Companies that lost more than $2 billion in 2023",
        "net income of all companies where net income < -2e+09 in 2023",
    ),
    ("The biggest loss-maker of FY2020?", "net income of all companies in FY2020 (bottom 1)"),
    (
        "Did Deere sell more in fiscal 2024 than in fiscal 2023? By what percent?",
        "growth of revenue of DE in FY2024 and FY2023",
    ),
    ("How much did IT take in during 2023 (revenue)?", "revenue of IT in 2023"),
    ("Not Apple, not Microsoft: what did BALL earn in 2023?", "net income of BALL in 2023"),
    ("Chipotle Q3 2024 sales?", "revenue of CMG in Q3 2024"),
    ("Max drawdown of Starbucks in 2024 on daily closes?", "maximum drawdown of SBUX in 2024"),
    (
        "Which quarter of 2024 was Amazon's best for operating income?",
        "highest operating income of AMZN in Q1 2024:Q4 2024",
    ),
    (
        "Was more than half of UPS's 2023 operating cash flow paid out as dividends?",
        "dividends paid as a share of operating cash flow of UPS where dividends paid as a share of operating cash flow"
        " > 0.5 in 2023",
    ),
    (
        "The average quarterly net income of Thermo Fisher over the four quarters of 2024",
        "mean net income of TMO in Q1 2024:Q4 2024",
    ),
    (
        "Dividends plus share repurchases, Qualcomm... no wait, Lam Research, fiscal 2024",
        "dividends paid plus share buybacks of LRCX in FY2024",
    ),
    (
        "Of CSX and Union Pacific together, what percentage of the combined 2023 revenue was earned by Union Pacific?",
        "share of revenue of UNP, CSX in 2023",
    ),
    ("Add up the 2023 net income of Delta, United and Southwest.", "sum of net income of DAL, UAL, LUV in 2023"),
    (
        "On which day did Costco close above 1000 dollars for the first time?",
        "share price of COST where share price > 1000",
    ),
    (
        "For how many of the years 2019 to 2024 was Nucor's net income higher than in the year before?",
        "number of periods by net income growth of NUE where net income growth > 0 in 2019:2024",
    ),
    ("Between Jan 1 and Jun 30 2024, how did Boeing's stock do?", "share price change of BA in 2024-01-01:2024-06-30"),
    ("nine-month 2024 revenue of Caterpillar", "revenue of CAT in 9M 2024"),
    (
        "How many of the energy companies had falling revenue in 2024?",
        "number of companies by revenue growth of all companies in Energy where revenue growth < 0 in 2024",
    ),
    (
        "retailers whose sales declined in 2024",
        "revenue growth of all companies in Retail where revenue growth < 0 in 2024",
    ),
    (
        "Operating cash flow minus dividends minus buybacks for Home Depot in 2024",
        "operating cash flow - dividends paid - share buybacks of HD in 2024",
    ),
    ("NOW revenue in 2023", "revenue of NOW in 2023"),
    ("What was D's net income in 2023?", "net income of D in 2023"),
    ("EG revenue in 2023", "revenue of EG in 2023"),
    ("NOW, how much revenue did they make in 2023?", "revenue of NOW in 2023"),
    ("EPS, what was Apple's in 2023?", "diluted EPS of AAPL in 2023"),
    ("Nike's gross margin on sales in 2023", "gross margin of NKE in 2023"),
    ("VRTX rev CAGR 19-23", "CAGR of revenue of VRTX in 2019:2023"),
    ("I don't mean Apple, I mean Applied Materials: net income for fiscal 2023?", "net income of AMAT in FY2023"),
    (
        "Lennar common between 1 March 2024 and 28 June 2024: percent move?",
        "share price change of LEN in 2024-03-01:2024-06-28",
    ),
    ("Average annual revenue growth of Adobe 2019-2024", "CAGR of revenue of ADBE in 2019:2024"),
    ("Wat was Broadcomms revnue in fical 2023?", "revenue of AVGO in FY2023"),
    ("Boeing revenue pre-pandemic 2019", "revenue of BA in 2019"),
    ("Palantir, max drawdown of 2022", "maximum drawdown of PLTR in 2022"),
    ("delta plus united airlines, revenue 2023 together", "sum of revenue of DAL, UAL in 2023"),
    (
        "Which energy company had the second highest net income in 2022?",
        "net income of all companies in Energy in 2022 (top 2)",
    ),
    ("Total revenue of all utilities in 2023", "sum of revenue of all companies in Utilities in 2023"),
    (
        "tech companies whose revenue more than doubled in FY2024",
        "revenue growth of all companies in Information Technology where revenue growth >= 1 in FY2024",
    ),
    (
        "Which companies grew revenue but lost money in 2023?",
        "revenue growth of all companies where revenue growth > 0 and net income < 0 in 2023",
    ),
    ("INTC R&D % rev 2023", "R&D to revenue of INTC in 2023"),
    ("Starbucks' close on Sunday 11 August 2024", "share price of SBUX in 2024-08-11"),
    ("The January to March quarter of 2024 at Coke, what were sales?", "revenue of KO in CQ1 2024"),
    ("Coke 2023 revenue", "revenue of KO in 2023"),
    ("gap versus ross stores revenue 2023", "revenue of GAP, ROST in 2023"),
    ("How much did F earn in 2023?", "net income of F in 2023"),
    ("Did O'Reilly's return... sorry, AutoZone's gross margin widen in 2023?", "growth of gross margin of AZO in 2023"),
    ("What did Nike earn a year on average from 2020 to 2023?", "mean net income of NKE in 2020:2023"),
    (
        "How much did Intel's revenue grow per year on average from 2019 to 2023?",
        "CAGR of revenue of INTC in 2019:2023",
    ),
    ("Coca-Cola 2023: operating income over interest expense, how many times?", "interest cover of KO in 2023"),
    ("How many times Cummins's 2024 revenue was Caterpillar's?", "ratio of revenue of CAT, CMI in 2024"),
    (
        "Companies whose 2020 net loss exceeded $2 billion",
        "net income of all companies where net income < -2e+09 in 2020",
    ),
    (
        "Who had a net loss smaller than $100 million in 2023?",
        "net income of all companies where net income between -1e+08 and 0 in 2023",
    ),
    (
        "Count the companies with FY2024 net income over 20 billion dollars",
        "number of companies by net income of all companies where net income > 2e+10 in FY2024",
    ),
    (
        "Out of the four quarters of 2023, which one brought Booking the most revenue?",
        "highest revenue of BKNG in Q1 2023:Q4 2023",
    ),
    ("Sum of the last four quarters of net income at Ford", "net income of F in TTM"),
    (
        "Here DPO means 365 times the average accounts payable of FY2021 and FY2022, divided by the sum of FY2022 cost "
        "of revenue and the change in inventory from FY2021 to FY2022. What was Walmart's DPO?",
        "(365 * average accounts payable) / (cost of revenue + inventory - prior-year inventory) of WMT in FY2022",
    ),
    (
        "Assume 360 days. How many days of inventory (inventory over cost of revenue) did Nike hold in FY2023?",
        "360 * (inventory / cost of revenue) of NKE in FY2023",
    ),
    (
        "What was Nike's FY2022 asset turnover? Asset turnover is FY2022 revenue divided by average total assets "
        "between FY2021 and FY2022. Two decimals.",
        "ratio of revenue to average total assets of NKE in FY2022",
    ),
    (
        "ROE of Apple in FY2023, with equity averaged over 2020 and 2023",
        "net income / ((shareholders' equity in FY2020 + shareholders' equity in FY2023) / 2) of AAPL in FY2023",
    ),
    (
        "Defining the revenue-to-equity ratio with year-end equity, by what percent did this ratio rise at Costco from "
        "FY2020 to FY2021?",
        "growth of ratio of revenue to shareholders' equity of COST in FY2020:FY2021",
    ),
    (
        "How much of Verizon's 2022 operating income was eaten up by capex?",
        "capital expenditure as a share of operating income of VZ in 2022",
    ),
    (
        "Of Merck's FY2023 revenue, what share was spent on research and development?",
        "R&D expense as a share of revenue of MRK in FY2023",
    ),
    (
        "Which proportion of its FY2023 operating income did Target book in Q4 FY2023?",
        "operating income in Q4 2023 / operating income in FY2023 of TGT in Q4 2023",
    ),
    (
        "Take R&D away from gross profit for Intel in 2021. How many USD millions remain?",
        "gross profit less R&D expense of INTC in 2021",
    ),
    (
        "Express Walmart's FY2022 revenue per dollar of total assets as a multiple of Target's.",
        "ratio of (revenue / total assets) to (revenue of TGT / total assets of TGT) of WMT in FY2022",
    ),
    (
        "Which had less inventory per dollar of sales in FY2023, Home Depot or Lowe's?",
        "inventory as a share of revenue of HD, LOW in FY2023",
    ),
    (
        "Whose net margin improved more from 2021 to 2023, Netflix or Disney?",
        "growth of net margin of NFLX, DIS in 2021:2023",
    ),
    (
        "Equal-weighted average net margin of Visa and Mastercard in FY2023",
        "mean net margin of V, MA in FY2023",
    ),
    (
        "Stock-based comp over revenue at Snowflake, FY2024, %",
        "stock-based compensation as a share of revenue of SNOW in FY2024",
    ),
    ("Add the latest four quarters of Visa's operating income: what do you get?", "operating income of V in TTM"),
    (
        "If you annualise it, how quickly did Nvidia's net income expand from fiscal 2019 to fiscal 2024?",
        "CAGR of net income of NVDA in FY2019:FY2024",
    ),
    ("What was left for Colgate after all costs and taxes in 2023?", "net income of CL in 2023"),
    ("Visa's competitor Mastercard: net income 2023", "net income of MA in 2023"),
    ("R&D over gross profit at Qualcomm, FY2023, %", "R&D expense as a share of gross profit of QCOM in FY2023"),
    (
        "Defining the cash-flow-to-revenue ratio as operating cash flow over revenue, by what percent did this ratio "
        "rise at Netflix from FY2022 to FY2023?",
        "growth of operating cash flow margin of NFLX in FY2022:FY2023",
    ),
    ("What were Nike's last four quarterly revenues?", "revenue of NKE in last 4 quarters"),
    ("Average of the last four quarterly net margins of Nike", "mean net margin of NKE in last 4 quarters"),
    (
        "In which year from 2019 to 2023 did Nike's net margin improve the most?",
        "highest net margin growth of NKE in 2019:2023",
    ),
    (
        "Defining leverage as long-term debt over equity (year-end), by what percent did leverage fall at Merck from "
        "FY2021 to FY2022?",
        "growth of debt to equity of MRK in FY2021:FY2022",
    ),
    (
        "What ROE results for Oracle in FY2024 when you divide net income by the average of FY2023 and FY2024 equity?",
        "return on average equity of ORCL in FY2024",
    ),
    (
        "How many percent of Nike's FY2024 revenue fell into its first quarter?",
        "revenue in Q1 2024 / revenue in FY2024 of NKE in Q1 2024",
    ),
    (
        "By equity turnover I mean revenue divided by the average of opening and closing equity. Give Accenture's for "
        "FY2023.",
        "ratio of revenue to average shareholders' equity of ACN in FY2023",
    ),
    (
        "If buybacks are taken away from Visa's FY2023 free cash flow, how much remains?",
        "free cash flow less share buybacks of V in FY2023",
    ),
    ("Norfolk Southern, the rival of CSX: revenue 2022", "revenue of NSC in 2022"),
    ("After paying all its costs and taxes, what did Costco have left in FY2022?", "net income of COST in FY2022"),
    ("Assume a 360-day year: what was Nike's DSO in FY2023?", "(receivables / revenue) * 360 of NKE in FY2023"),
    (
        "If working capital is current assets minus inventory minus current liabilities, what was Nike's working "
        "capital in FY2023?",
        "current assets - inventory - current liabilities of NKE in FY2023",
    ),
    (
        "Using beginning equity, what was Nike's ROE in 2023?",
        "net income / prior-year shareholders' equity of NKE in 2023",
    ),
    (
        "What was Nike's FY2023 ROE if equity is averaged over FY2021 to FY2023?",
        "net income / ((shareholders' equity in FY2021 + shareholders' equity in FY2022 + shareholders' equity in "
        "FY2023) / 3) of NKE in FY2023",
    ),
    (
        "Apple's FY2023 EBITDA margin where EBITDA is operating income plus D&A plus SBC",
        "(operating income + depreciation and amortization + stock-based compensation) / revenue of AAPL in FY2023",
    ),
    (
        "Define DSO as 365 * average accounts receivable (FY2022, FY2023) / FY2023 revenue. What is Nike's FY2023 DSO?",
        "(365 * average receivables) / revenue of NKE in FY2023",
    ),
    (
        "What was Visa's FY2023 asset turnover with average assets in the denominator?",
        "ratio of revenue to average total assets of V in FY2023",
    ),
    (
        "In Q4 2023 Target earned what share of its FY2023 net income?",
        "net income in Q4 2023 / net income in FY2023 of TGT in Q4 2023",
    ),
    ("Who earned more per dollar of revenue in 2023, Visa or Mastercard?", "net margin of V, MA in 2023"),
    (
        "After capex in 2023, how much was left of Apple's operating cash flow?",
        "operating cash flow less capital expenditure of AAPL in 2023",
    ),
    (
        "Compute Pfizer's DIO for FY2022, where DIO means average inventory divided by cost of revenue, times 365.",
        "(average inventory / cost of revenue) * 365 of PFE in FY2022",
    ),
    (
        "How much of its fiscal 2023 operating income, in percent, did Best Buy generate in the fourth quarter?",
        "operating income in Q4 2023 / operating income in FY2023 of BBY in Q4 2023",
    ),
    (
        "Of Nvidia's FY2024 revenue, what percentage did R&D absorb?",
        "R&D expense as a share of revenue of NVDA in FY2024",
    ),
    (
        "Equally weighted, what was the average net margin of Intel and AMD in 2022?",
        "mean net margin of INTC, AMD in 2022",
    ),
    (
        "Which company's net margin worsened more from 2021 to 2022, Intel or AMD?",
        "growth of net margin of INTC, AMD in 2021:2022",
    ),
    ("Take Oracle's most recent four quarters of operating income and add them up.", "operating income of ORCL in TTM"),
    ("What chunk of its 2024 revenue did Moderna burn on R&D?", "R&D expense as a share of revenue of MRNA in 2024"),
    (
        "Of the combined 2024 revenue of CSX and Paccar, what percentage came from Paccar?",
        "share of revenue of PCAR, CSX in 2024",
    ),
    (
        "Costco 2023 net income, equity and the ratio of net income to that equity",
        "net income and shareholders' equity and return on equity of COST in 2023",
    ),
    ("How strong was the increase of Visa's diluted EPS in 2023?", "growth of diluted EPS of V in 2023"),
    ("Visa's ROE for 2023 using the average of opening and closing equity", "return on average equity of V in 2023"),
    (
        "Asset turnover of Target for 2023 on average total assets",
        "ratio of revenue to average total assets of TGT in 2023",
    ),
    ("Travelers / Chubb, 2023 diluted EPS, which is higher?", "diluted EPS of TRV, CB in 2023"),
    ("meaning of diluted EPS + McKesson's for fiscal 2024", "diluted EPS of MCK in FY2024"),
    ("hersheey fre cash flwo 2023", "free cash flow of HSY in 2023"),
    ("How much operating cash did Chevron generate in 2023?", "operating cash flow of CVX in 2023"),
    ("Ulta or Dollar General: whose stock held up better in 2024?", "share price change of ULTA, DG in 2024"),
    (
        "tech companies that spent more on R&D than on capex in 2023",
        "R&D expense less capital expenditure and R&D expense and capital expenditure of all companies in Information"
        " Technology where R&D expense less capital expenditure > 0 in 2023",
    ),
    (
        "How many companies paid more dividends than they earned in 2023?",
        "number of companies by dividends paid less net income and dividends paid and net income of all companies"
        " where dividends paid less net income > 0 in 2023",
    ),
    ("Three utilities with the lowest revenue in 2023", "revenue of all companies in Utilities in 2023 (bottom 3)"),
    ("Who leads the S&P 500 in free cash flow in FY2023?", "free cash flow of all companies in FY2023 (top 1)"),
    ("What did Nike earn on its equity in fiscal 2023?", "return on equity of NKE in FY2023"),
    ("Net income to revenue at Altria in 2023, as a percentage", "net margin of MO in 2023"),
    (
        "What's left of every dollar of sales as operating profit at Ecolab in 2023?",
        "operating income as a share of revenue of ECL in 2023",
    ),
    ("Which of M&T, Regions and Huntington had the most revenue in 2023?", "revenue of MTB, RF, HBAN in 2023"),
    ("Netflix revenue growth in 2022 versus growth in 2023", "revenue growth of NFLX in 2022 and 2023"),
    ("By what factor did Visa's revenue multiply from 2020 to 2024?", "ratio of revenue of V in 2020:2024"),
    ("Which of Coke and Pepsi had more revenue in 2023 and by how much?", "difference in revenue of KO, PEP in 2023"),
    ("How much did Costco sell in 2023?", "revenue of COST in 2023"),
    ("With n = 4, the CAGR of Visa's revenue from FY2020 to FY2024", "CAGR of revenue of V in FY2020:FY2024"),
]


NO_NAMES = [
    "Name the person chairing Stryker's board",
    "Who chairs the board of Boeing?",
    "Who is in charge at Lowe's?",
]


UNPLACED = [
    ("Apple's budgeted revenue in 2023", ["budgeted"]),
    ("Apple revenue per store in 2023", ["store"]),
    ("Visa's net income pre 2020", ["pre"]),
    ("Nike's revenue and footprint in 2023", ["footprint"]),
    ("Tesla: wrenches in 2023 and revenue in 2023", ["wrenches"]),
    ("Define gross margin and quote Monster Beverage's for 2023", []),
    ("Apple's revenue retention in 2023", ["retention"]),
    ("Share price of Deere on 3 June 2024 for 300 of them", ["300"]),
    ("Which is more profitable by operating margin in FY2025: Microsoft or Oracle?", []),
    ("Order Costco, Walmart and Kroger by net margin in FY2024, lowest first", []),
]


CHECKED = [
    ("Does Target have a current ratio above 1 at the end of fiscal 2024?", "No, not above 1: Target's current ratio"),
    ("Is Arista's operating margin at least 40 percent in 2024?", "Yes, at least 40%: Arista Networks' operating"),
    ("In how many fiscal years from 2018 to 2024 did Hershey's revenue exceed 10 billion dollars?",
     "Hershey had revenue above USD 10 billion in 3 of 7 years, FY2018 to FY2024: FY2022"),
    ("Which of Apple, Microsoft and Nvidia had a net margin above 30% in FY2024?",
     "Microsoft (36.0%) and Nvidia (48.8%) had net margin above 30% in FY2024"),
    ("Averaged over 2022, 2023 and 2024, was the operating margin of Yum! Brands or that of McDonald's higher?",
     "McDonald's had the higher average operating margin from FY2022 to FY2024: 43.8%"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "begins"), CHECKED)
def test_a_condition_on_named_companies_is_answered_by_yes_no_or_how_many(question: str, begins: str) -> None:
    assert FinancialAssistantWorkflow(db=None).run(question).headline.startswith(begins)


@pytest.mark.parametrize(("question", "words"), UNPLACED)
def test_words_that_no_rule_placed_are_listed(question: str, words: list[str]) -> None:
    (query,) = understand(question).queries
    assert [each.words for each in query.unknown] == words


def test_the_head_begins_with_the_words_that_are_left_out() -> None:
    answer = FinancialAssistantWorkflow(db=None).run("Apple revenue per store in 2023")
    assert answer.headline.startswith(
        "“store” was not understood and is left out. Apple's revenue was USD 383.3 billion"
    )
    assert [gap.error for gap in answer.gaps] == ["NotUnderstood"]


@pytest.mark.parametrize(("question", "query"), WORDED)
def test_a_question_in_other_words_is_the_same_query(question: str, query: str) -> None:
    assert [str(each) for each in understand(question).queries] == [query]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("FedEx Ground's revenue for fiscal 2022", "FedEx Ground"),
        ("Apple's revenue excluding services in 2023", "excluding"),
        ("Apple's net income before one-offs in 2023, excluding Beats", "excluding"),
        ("Who sits on the board of Merck?", "sits on the board"),
        ("RSI of Apple", "rsi of"),
        ("What is the 50-day moving average of Ford?", "moving average"),
        ("Run a Monte Carlo simulation of Apple", "Monte Carlo"),
        ("Which sector had the highest total net income in 2024?", "Which sector had"),
        ("What's JPMorgan's net interest margin?", "net interest margin"),
        ("How many shares did Apple buy back in 2023?", "How many shares did Apple buy back"),
        (
            "What would Nucor's 2023 net income have been at its 2022 net margin?",
            "would Nucor's 2023 net income have been",
        ),
        ("Who were the three largest customers of Corning in 2023?", "largest customers"),
        ("Has any lawsuit been filed against 3M?", "lawsuit"),
        ("In which year did Boeing last make a profit before 2024?", "before 2024"),
        ("Microsoft closing price, 2024-02-30", "2024-02-30"),
        ("Convert Apple's revenue to euros", "euros"),
        ("Who owns Nike?", "who owns"),
        ("Will Apple's revenue exceed $500 billion?", "exceed"),
        ("Head count at Lowe's in fiscal 2024?", "head count"),
        ("Tesla's charging stations in 2023", "charging stations"),
        ("Average ticket price at Delta in 2023", "ticket price"),
        ("Boeing's cash burn in 2023", "cash burn"),
        ("What was Apple's revenue and operating income in China in 2023?", "China"),
        ("Nestlé closing price on 3 June 2024?", "Nestlé"),
        ("Toyota's share price in Tokyo on 3 June 2024", "in Tokyo"),
        ("Nike's non-GAAP gross margin in 2023", "non-GAAP"),
        ("Mid-year 2023 share price of Intel", "mid"),
        ("Which bicycle companies had the highest revenue?", "bicycle"),
        ("Apple bond yield", "bond yield"),
        ("Where does Intel rank by R&D among chip makers?", "Where does Intel rank"),
        ("Goldman Sachs deposits", "deposits"),
        ("Rolling 1-year return of Apple", "Rolling"),
        ("Nike's inventory, revenue and the quotient of the two for 2023", "quotient"),
        ("JNJ's 2023 dividends paid and free cash flow, in percent", "percent"),
        ("S&P 500 companies headquartered in Texas with revenue above $50bn", "companies headquartered in"),
        ("When did Apple's market cap first exceed $3 trillion?", "market value"),
        ("What was Nvidia's stock price before the split?", "before the split"),
        ("Which stocks hit a 52-week high recently?", "Which stocks hit a 52-week high"),
        (
            "Did Costco beat Walmart on revenue growth in each of the last 3 years?",
            "beat Walmart on revenue growth in each of the",
        ),
        ("Which startups had revenue above $1B?", "startups"),
        ("Which companies that sell bicycles had the highest revenue in 2023?", "bicycles"),
    ],
)
def test_what_changes_the_question_is_refused_by_name(question: str, words: str) -> None:
    found = understand(question)
    assert not found.queries
    assert words.casefold() in f"{found.unknown[0].words} {found.unknown[0].reason}".casefold()


@pytest.mark.parametrize("question", NO_NAMES)
def test_names_of_people_are_refused(question: str) -> None:
    found = understand(question)
    assert (found.queries, [each.topic for each in found.unknown]) == ((), ["person"])


@pytest.mark.parametrize(
    "question", ["Would you say Deere shares trade at a rich price?", "Is Nike's price justified?"]
)
def test_a_rich_price_is_a_judgement(question: str) -> None:
    assert [each.intent for each in understand(question).queries] == ["judge"]


@pytest.mark.parametrize("question", ["Should I buy Apple?", "Is it overvalued?"])
def test_a_judgement_after_a_figure_weighs_the_company(question: str) -> None:
    last = understand("What was Apple's net margin in FY2023?").queries
    found = understand(question, remember(Memory(), last, ("AAPL",)))
    assert [(each.intent, each.companies) for each in found.queries] == [("judge", ["AAPL"])]


CONVERSATIONS = [
    (["GE's revenue in 2023?", "Is that more than Honeywell?", "By how much?"],
     "difference in revenue of GE, HON in 2023"),
    (["Oracle EPS in fiscal 2022, 2023 and 2024", "Which was highest?"],
     "highest diluted EPS of ORCL in FY2022 and 2023 and 2024"),
    (["Nike revenue in Q2 2024", "same quarter of 2023?"], "revenue of NKE in Q2 2023"),
    (["Adobe's revenue in 2022?", "operating income?", "As a share of that?"],
     "operating income as a share of revenue of ADBE in 2022"),
    (["Top 5 banks by total assets in 2023", "Only those above $2 trillion"],
     "total assets of all companies in Banks where total assets > 2e+12 in 2023 (top 5)"),
    (["Top 5 banks by net income in 2023", "What about 2022?"],
     "net income of all companies in Banks in 2022 (top 5)"),
    (["Ford's share price on 3 January 2023?", "and at the end of that year?"], "share price of F in end 2023"),
    (["Nike gross margin 2021 to 2024", "which year was worst?"], "lowest gross margin of NKE in 2021:2024"),
    (["Nike revenue 2023", "and Costco?", "who was ahead in 2021?"], "revenue of NKE, COST in 2021"),
    (["Walmart revenue last 5 years", "in billions please"], "revenue of WMT in last 5 years"),
    (["Nike TTM revenue", "And in Q3?"], "revenue of NKE in latest Q3"),
    (["Nike revenue", "and in the second half?"], "revenue of NKE in latest H2"),
    (["Nike revenue 2023", "and Costco?", "compare them"], "revenue of NKE, COST in 2023"),
    (["Tesla's share price 3 months ago?", "and a year earlier?"], "share price of TSLA in 15 months ago"),
    (["Starbucks' diluted EPS in FY2022?", "How much is that up on the previous year, in percent?"],
     "growth of diluted EPS of SBUX in FY2022"),
    (["Where did Garmin close at the end of 2022?", "net income of the company in 2023?"],
     "net income of GRMN in 2023"),
    (["Apple's revenue in FY2023?", "as a chart"], "revenue of AAPL in FY2019:FY2023"),
    (["Apple's revenue in FY2023?", "as a waterfall"],
     "revenue and gross profit and operating income and net income of AAPL in FY2023"),
    (["Net margin and revenue of Apple and Nike", "as a heat map"], "net margin and revenue of AAPL, NKE"),
    (["Which five companies had the highest revenue in FY2024?", "and as a table, please"],
     "revenue of all companies in FY2024 (top 5)"),
    (["Expeditors operating margin in 2023?", "and Old Dominion's?", "so whose is lower?"],
     "operating margin of EXPD, ODFL in 2023"),
    (["Adobe revenue in 2023", "what about Salesforce?", "which one grew faster?"],
     "growth of revenue of ADBE, CRM in 2023"),
    (["Paychex revenue in fiscal 2024?", "what share of that was operating income?"],
     "operating income as a share of revenue of PAYX in FY2024"),
    (["Compare the revenue of Visa and Mastercard in 2023", "add American Express", "drop Visa"],
     "revenue of MA, AXP in 2023"),
    (["Delta Air Lines, United Airlines and Southwest Airlines: 2024 revenue", "which has the best net margin"],
     "net margin of DAL, UAL, LUV in 2024"),
    (["Ford, GM and Tesla: 2024 revenue", "leave Tesla out: what do the other two add up to in revenue?",
      "same sum for 2022"], "sum of revenue of F, GM in 2022"),
    (["AbbVie free cash flow 2023", "and for Amgen?", "back to AbbVie, how much did they pay out in dividends"],
     "dividends paid of ABBV in 2023"),
    (["I'm looking at lululemon. Net income fiscal 2022?", "one year later?", "thats how much growth in percent"],
     "growth of net income of LULU in FY2022 and FY2023"),
    (["Netflix revenue 2019", "Netflix revenue 2024", "what is the CAGR"], "CAGR of revenue of NFLX in 2019 and 2024"),
    (["top 5 energy companies by net income 2023", "how about utilities?"],
     "net income of all companies in Utilities in 2023 (top 5)"),
    (["Nike revenue in Q1 2024", "two quarters later?", "and the one before?"], "revenue of NKE in Q2 2024"),
    (["Nike net income 2022", "and in the first half?", "H2?"], "net income of NKE in H2 2022"),
    (["Nike revenue from 2020 to 2023", "how did Q3 compare with Q2?"], "revenue of NKE in Q3 2023 and Q2 2023"),
    (["Nike revenue in Q1 2024", "in Q2?"], "revenue of NKE in Q2 2024"),
    (["Nike revenue in Q1 2024", "and now?"], "revenue of NKE in latest"),
    (["Visa and Mastercard revenue 2023", "what was Visa's EPS in 2023?", "and the other one?"],
     "diluted EPS of MA in 2023"),
    (["Marriott revenue in Q2 2024", "and in Q3?"], "revenue of MAR in Q3 2024"),
    (["Walmart revenue in 2023", "what was its net income in the third quarter?"], "net income of WMT in Q3 2023"),
    (["Hilton EPS in Q1 2024?", "one quarter on?", "revenue for that quarter?", "and Marriott's?"],
     "revenue of MAR in Q2 2024"),
]  # fmt: skip


@pytest.mark.parametrize(("questions", "last"), CONVERSATIONS)
def test_a_conversation_edits_its_last_query(questions: list[str], last: str) -> None:
    memory = Memory()
    for question in questions:
        found = understand(question, memory)
        symbols = [symbol for query in found.queries for symbol in query.companies]
        memory = remember(memory, found.queries, symbols)
    assert str(found.queries[0]) == last


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        (["Which of Deere, CAT and Cummins had the highest revenue in FY2022?", "and what EPS did the company report?",
          "and the runner-up's net income that year?"], "Deere's net income was USD 7.13 billion in FY2022"),
        (["Which had the larger net income in FY2022, Chevron or Exxon Mobil?", "and the loser's EPS?"],
         "Chevron's diluted EPS was USD 18.28 in FY2022"),
        (["Rank Netflix, Disney and Comcast by 2023 revenue", "And the margin of the first?", "the one at the bottom?"],
         "Netflix's net margin was 16.0% in FY2023"),
        (["What was 3M's best year for net income from 2018 to 2023?", "and free cash flow in that best year?"],
         "3M's free cash flow was USD 5.85 billion in FY2021"),
        (["Nucor's revenue in FY2022?", "and the winner's EPS?"], "Which company is meant?"),
        (["In which year between 2018 and 2024 was Nucor's net income highest?", "and its capex in the year after?"],
         "Nucor's capital expenditure was USD 2.21 billion in FY2023"),
        (["Nucor's close on 30 June 2022?", "By what percent had it moved by 30 December 2022?",
          "and what EPS did the company report for that year?"], "Nucor's diluted EPS was USD 28.79 in FY2022"),
        (["Nucor's close on 30 June 2022?", "and how much had it moved by 30 December 2022?"],
         "Nucor's share price rose 26.2% from 2022-06-30 to 2022-12-30"),
        (["Kroger's close on 31 January 2023?", "And six months later?"], "Kroger's share price was USD 48.64"),
        (["Deckers' gross margin, fiscal 2022?", "And how much did inventory grow in the fiscal year that followed?"],
         "Deckers Brands' inventory rose 5.1% in FY2023"),
        (["Nucor's revenue in FY2022?", "and the weather?"], "“and the weather” was not understood"),
    ],
)  # fmt: skip
def test_a_question_points_back_to_what_was_shown(questions: list[str], said: str) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    assert [workflow.run(question).headline for question in questions][-1].startswith(said)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What sector is Ecolab in?", "Ecolab is in the sector Materials, industry Specialty Chemicals."),
        ("In welcher Branche ist Ecolab?", "Ecolab is in the sector Materials, industry Specialty Chemicals."),
        ("When does Nike's fiscal year end?", "Nike's fiscal year ends in May: FY20"),
        ("When did Apple report FY2024?", "Apple's report for FY2024 (ended 2024-09-28) was filed on 2024-11-01."),
        (
            "When was Nike's Q3 2024 report filed?",
            "Nike's report for Q3 2024 (ended 2024-02-29) was filed on 2024-04-04.",
        ),
    ],
)
def test_what_is_known_of_a_company_besides_figures(question: str, said: str) -> None:
    answer = FinancialAssistantWorkflow(db=None).run(question)
    assert answer.headline.startswith(said)
    assert answer.value
    assert (answer.value.value, answer.value.text and answer.value.text.partition(",")[0] in said) == (None, True)
    assert said.partition("'")[0] in answer.to_html()


def test_a_profile_tells_what_it_can() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    workflow.run("Nike revenue 2023")
    assert workflow.run("what sector is it in?").headline.startswith("Nike is in the sector Consumer Discretionary")
    with pytest.raises(InvalidQuery, match="sector"):
        workflow.query(Query(intent="profile", companies=["NKE"], metrics=["total_assets"], explain=["founder"]))


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("What is the price of Solana?", "cryptocurrency"),
        ("Ethereum (ETH) price today", "cryptocurrency"),
        ("Dogecoin in 2023", "cryptocurrency"),
        ("What does a barrel of WTI cost today?", "commodity"),
        ("USD to Canadian dollar exchange rate?", "currency"),
    ],
)
def test_a_market_that_is_refused_names_no_company(question: str, topic: str) -> None:
    answer = FinancialAssistantWorkflow(db=None).run(question)
    assert (answer.symbols, answer.gaps[0].need) == ([], topic)


def test_a_distance_from_a_high_is_below_nothing() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    everyone = workflow.run("Stocks more than 30% below their 52-week high")
    assert "named, not for all at once" in everyone.headline
    ranked = workflow.run("Which of Nike, Costco and Target is furthest below its 52-week high?")
    assert ranked.headline.startswith("Nike had the lowest distance from the high")


def test_the_other_of_two_companies_is_one_to_choose() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    workflow.run("Which had the higher net margin in 2023, Nike or Costco?")
    answer = workflow.run("Back to the other one")
    assert [choice.label for choice in answer.choices] == ["Nike, Inc. (NKE)", "Costco Wholesale Corp. (COST)"]
    assert answer.pick(2).headline.startswith("Costco's net margin was 2.6% in FY2023")


def test_names_beside_chinese_and_japanese_words() -> None:
    assert [str(each) for each in understand("康明斯2024年的净利润是多少？").queries] == ["net income of CMI in 2024"]
    for question in ("IBMの2023年の純利益はいくらですか？", "IBM的2023年净利润是多少？"):
        assert [str(each) for each in understand(question).queries] == ["net income of IBM in 2023"]


def test_yes_or_no() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    for question, head in {
        "Was Apple's net margin higher than Microsoft's in FY2023?": "No: Microsoft had the higher net margin",
        "Was Microsoft's net margin higher than Apple's in FY2023?": "Yes: Microsoft had the higher net margin",
        "Was Apple's net margin lower than Microsoft's in FY2023?": "Yes: Apple had the lower net margin",
        "Did Apple's revenue fall in FY2023?": "Yes: Apple's revenue fell 2.8%",
        "Did Apple's revenue rise in FY2023?": "No: Apple's revenue fell 2.8%",
        "Was Hormel's operating margin lower in FY2025 than in FY2021?": "Yes: Hormel Foods' operating margin fell",
        "Is Ford's net margin worse in 2023 than in 2022?": "No: Ford Motor's net margin rose",
        "Is Nike's gross margin 2023 higher than 2022?": "No: Nike's gross margin fell by 2.5",
        "For Apple, was net income bigger than free cash flow in 2023?": "No: Apple's free cash flow was higher",
        "Is Nike's capex in 2023 less than its dividends?": "Yes: Nike's capital expenditure was lower than its",
        "Which is higher, capex or operating cash flow, at Apple in 2023?": "Apple's operating cash flow was higher",
        "Did Meta's capex double between 2020 and 2023?": "Meta Platforms' capital expenditure grew 78.4%",
        "Did Apple's revenue rise or fall in FY2023?": "Apple's revenue fell 2.8%",
        "By how much did Apple's revenue fall in FY2023?": "Apple's revenue fell 2.8%",
    }.items():
        assert workflow.run(question).headline.startswith(head), question


def test_words_around_a_question_are_set_aside() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    answer = workflow.run("Hey, my professor claims Apple sales collapsed: what was its revenue in FY2023?")
    assert answer.headline.startswith("Apple's revenue was USD 383.3 billion")
    assert not answer.gaps
    assert "– professor claims" in [str(check) for check in answer.checklist]
    for question in ("Apple's iPhone revenue in FY2023", "Apple's revenue from services in FY2023"):
        assert "USD" not in workflow.run(question).headline or workflow.run(question).gaps, question


@pytest.mark.parametrize(
    ("question", "figure", "gap"),
    [
        (
            "Nike's net income in 2023, and how many stores did it have then?",
            "net income was USD 5.07 billion",
            "stores",
        ),
        ("Verizon revenue 2024, plus what Verizon expects for 2027", "revenue was USD 134.8 billion", "future"),
        (
            "Medtronic: fiscal 2024 revenue and the part of it from the cardiovascular segment",
            "USD 32.36 billion",
            "segments",
        ),
        ("Tesla: deliveries in 2023 and revenue in 2023", "revenue was USD 96.77 billion", "deliveries"),
        ("Netflix subscribers Q4 2023 and its revenue that quarter", "USD 8.83 billion in Q4 2023", "subscribers"),
        ("Number of hotel rooms at Hilton in 2023 and its revenue in 2023", "revenue was USD 10.24 billion", "rooms"),
        ("Nike's net income in 2023; who is its CEO?", "net income was USD 5.07 billion", "CEO"),
        ("Microsoft's 2023 revenue and Azure's revenue", "revenue was USD 211.9 billion", "products"),
    ],
)
def test_what_can_be_answered_is_and_the_rest_is_named_after_it(question: str, figure: str, gap: str) -> None:
    answer = FinancialAssistantWorkflow(db=None).run(question)
    assert figure in answer.headline.partition(". ")[0]
    assert gap in answer.headline.partition(". ")[2]
    assert answer.gaps


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Nike's close on Christmas Eve (24 December 2024)?", "at the close on 2024-12-24"),
        ("PepsiCo share price, New Year's Eve 2024", "at the close on 2024-12-31"),
        ("Nike stock at the end of March 2023?", "at the close on 2023-03-31"),
        ("Nike's share price, end of March 2024 to end of September 2024", "on 2024-03-28 to"),
        (
            "Nike's total return between the end of March 2023 and the end of March 2024",
            "from 2023-03-31 to 2024-03-31",
        ),
        ("Nike's share price from end-March 2024 to end-September 2024", "on 2024-03-28 to"),
        ("Nike's shares: how did they move from the end of March to the end of September 2024?", "on 2024-03-28 to"),
        (
            "In how many months of 2023 did Nike's shares close lower than the month before?",
            "fell in 5 of 12 months in 2023",
        ),
        (
            "Nike at the end of 2024 was worth how many times what it was at the end of 2019?",
            "times as large on 2024-12",
        ),
        (
            "On which trading day of 2022 did CF close at its yearly high, and what was the price?",
            "18.35, on 2022-08-26",
        ),
        ("Prologis total assets, Dec 2023", "were USD 93.02 billion on 2023-12-31 (FY2023)"),
        ("Boeing's inventory in Dec 2022", "was USD 78.15 billion on 2022-12-31 (FY2022)"),
        ("what does it mean when a company's interest cover is below 2?", "Interest cover is operating income divided"),
        (
            "In percent of its high, how deep was Gilead's lowest close of 2022 under the highest?",
            "was 35.5% below the",
        ),
        (
            "Cummins or Paccar: whose shares shed less from 31 March 2022 to 30 June 2022?",
            "Cummins' share price fell less",
        ),
        ("Target in 2022: highest close?", "Target's highest close in 2022 was USD 249.32"),
        ("Did Nike's revenue dip in FY2024?", "No: Nike's revenue grew 0.3%"),
        ("Which company lost the most market value in 2022?", "had the lowest market value growth of all companies"),
        ("2023 high for First Solar on a closing basis, and the date?", "was USD 231.69, on 2023-05-12"),
        ("Where was Newmont trading on Feb 28 2023 at the close?", "was USD 43.61 at the close on 2023-02-28"),
        ("Boeing's highest and lowest close in 2023: the range in percent of the low", "was 48.7% above the lowest"),
        ("By what percent was Nucor's lowest close in 2023 below the highest?", "was 26.5% below the highest"),
        (
            "Between the close of 31 March 2022 and the close of 30 June 2022, who fell less: Target or Walmart?",
            "Walmart's share price fell less from 2022-03-31 to 2022-06-30: by 18.4%, against 33.5% at Target",
        ),
        (
            "Which had the smaller decline in revenue in FY2020, Marriott or Hilton?",
            "Marriott International's revenue fell less",
        ),
        (
            "Which of Visa, Mastercard and American Express gained the least from 31 March 2023 to 29 September 2023?",
            "American Express had the lowest share price change",
        ),
        (
            "PepsiCo: closing price on 2023-12-29 over FY2023 diluted EPS",
            "on 2023-12-29 / diluted EPS in FY2023 was 25.89",
        ),
        ("Whose revenue fell least in FY2023: Nucor, Mosaic or CF?", "Nucor's revenue fell least in FY2023"),
        (
            "Divide Target's share price at the end of 2022 by its FY2022 diluted EPS",
            "end of 2022 / diluted EPS in FY2022",
        ),
        (
            "How far is Deere's latest close from its highest close of 2024, in percent?",
            "38.9% above the highest in 2024",
        ),
    ],
)
def test_days_of_prices_in_other_words(question: str, said: str) -> None:
    assert said in FinancialAssistantWorkflow(db=None).run(question).headline


@pytest.mark.parametrize(
    ("question", "where"),
    [
        (
            "Which companies combine a net margin above 45% with revenue growth over 20% in FY2023?",
            ["net_margin > 0.45", "growth(revenue) > 0.2"],
        ),
        (
            "Companies that took in over $60bn of revenue in FY2023 yet made a net loss",
            ["revenue > 60000000000", "net_income < 0"],
        ),
        (
            "Of the utilities that sold more than $15 billion in FY2023, which had the best net margin?",
            ["revenue > 15000000000"],
        ),
        ("Which companies had free cash flow under minus $3 billion in FY2023?", ["free_cash_flow < -3000000000"]),
        (
            "Which companies had over $90bn of revenue and spent over 12% of revenue on R&D in FY2023?",
            ["revenue > 90000000000", "research_and_development / revenue > 0.12"],
        ),
    ],
)
def test_amounts_belong_to_their_figures(question: str, where: list[str]) -> None:
    query = FinancialAssistantWorkflow(db=None).run(question).query
    assert query
    assert [f"{each.metric} {each.comparator} {each.number:.15g}" for each in query.where] == where


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Total up FY2023 revenue of Nike, PepsiCo and Deere", "The combined revenue"),
        ("PepsiCo's 2023 revenue minus Nike's 2023 revenue = ?", "FY2023"),
        ("How far did Nike's net income fall short of PepsiCo's in FY2023?", "lower than PepsiCo's"),
        ("By how much did Nike's 2023 net income fall short of PepsiCo's?", "lower than PepsiCo's"),
        ("How far short of PepsiCo's net income did Nike's fall in 2023?", "lower than PepsiCo's"),
        ("Boeing lost how much altogether across 2021, 2022 and 2023?", "added up to USD -11.36"),
        (
            "What remains of Deere's 2023 operating cash flow after capex and dividends are deducted?",
            "operating cash flow - capital expenditure - dividends paid",
        ),
        ("H1 2024 revenue of PepsiCo (i.e. Q1 2024 plus Q2 2024)?", "in H1 2024"),
        ("R&D as a percentage of gross profit - Intel 2023", "R&D expense as a share of gross profit"),
        ("Which health care firm was the largest dividend payer (in dollars) in FY2023?", "highest dividends paid"),
    ],
)
def test_sums_and_differences_in_other_words(question: str, said: str) -> None:
    assert said in FinancialAssistantWorkflow(db=None).run(question).headline


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "What was the difference between Nike's highest and lowest close in 2023?",
            "range of USD 40.08, from USD 89.42 on 2023-09-27 to USD 129.50 on 2023-02-01",
        ),
        (
            "How far apart were Nike's highest and lowest revenue from 2019 to 2023?",
            "range of USD 13.81 billion, from USD 37.40 billion in FY2020",
        ),
        ("Nike's highest close minus its lowest close in 2023", "range of USD 40.08"),
        (
            "How far apart were the net margins of Nike, Costco and Target in 2023?",
            "range of 7.3 percentage points in FY2023 (years ended 2023-05-31 to 2024-02-03): from 2.6% at Costco to "
            "9.9% at Nike.",
        ),
        ("Gap between the worst and the best gross margin of Nike over 2019-2024", "range of 2.6 percentage points"),
    ],
)
def test_the_range_of_a_figure(question: str, said: str) -> None:
    assert said in FinancialAssistantWorkflow(db=None).run(question).headline


@pytest.mark.parametrize(
    ("question", "queries"),
    [
        ("Nike's capex in 2023, and what share of revenue that was?", ["capital expenditure", "capex to revenue"]),
        ("Nike net income in 2023, and what percent of sales is that", ["net income", "net margin"]),
        ("Nike's net income in 2023 and what share was paid as dividends?", ["net income", "dividend payout ratio"]),
        ("Nike's cash from operations in 2023 and what part of it went to capex?",
         ["operating cash flow", "capex to operating cash flow"]),
    ],
)  # fmt: skip
def test_a_figure_and_its_share(question: str, queries: list[str]) -> None:
    assert [str(each) for each in understand(question).queries] == [f"{each} of NKE in 2023" for each in queries]


@pytest.mark.parametrize(
    ("question", "order", "where"),
    [
        (
            "Of the ten companies with the most revenue in FY2023, which had the best net margin?",
            1,
            "revenue top 10",
        ),
        (
            "Consider the six banks with the most net income in FY2024; which one had the lowest return on equity?",
            -1,
            "net income top 6",
        ),
        (
            "Among the 3 energy companies with the lowest net margin in FY2023, who had the most revenue?",
            1,
            "net margin bottom 3",
        ),
    ],
)
def test_a_rank_inside_a_rank(question: str, order: int, where: str) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    answer = workflow.run(question)
    assert answer.query
    assert ([*map(str, answer.query.where)], answer.query.order) == ([where], order)
    inner = answer.query.where[0]
    outer = answer.query.model_copy(update={
        "intent": "rank", "metrics": [inner.metric], "where": [], "limit": int(inner.number),
        "order": 1 if inner.comparator == "top" else -1,
    })  # fmt: skip
    members = workflow.query(outer).symbols
    assert set(answer.symbols) <= set(members)
    assert len(members) == inner.number
    assert f"{inner.number:g} in FY202" in answer.headline.partition(",")[0]


def test_a_place_is_one_among_all_companies() -> None:
    with pytest.raises(InvalidQuery, match="universe"):
        Query(metrics=["revenue"], companies=["NKE"], where=[Filter(metric="net_margin", comparator="top", number=3)])
    with pytest.raises(InvalidQuery, match="how many"):
        Filter(metric="net_margin", comparator="top", number=0)
