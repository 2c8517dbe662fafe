"""The vocabulary as a table: what `finassist.core.fields` reads. Data only.

Each field takes three lines: `name | heading | unit`, then one sentence for a learner, then the names
other providers use in snake_case, the closest in meaning first (`-` when there are none).
"""

from __future__ import annotations

from finassist.core.facts import Statement

OUTFLOWS = frozenset({"capex", "buybacks", "dividends_paid"})
"""Payments: positive amounts here, negative numbers with many providers."""

_INCOME = """
revenue | Revenue | USD
  What the company earned from its customers, before any cost.
  total_revenue revenues operating_revenue
cost_of_revenue | Cost of revenue | USD
  What it cost to make or buy the goods and services that were sold.
  reconciled_cost_of_revenue cost_of_goods_sold
gross_profit | Gross profit | USD
  Revenue minus the cost of revenue: what is left to pay for everything else.
  -
research_and_development | Research and development | USD
  What the company spent on developing new products.
  research_and_development_expenses research_and_development_expense
selling_general_admin | Selling, general and administrative | USD
  What it cost to sell the products and to run the company.
  selling_general_and_administration selling_general_and_administrative_expenses
selling_and_marketing | Selling and marketing | USD
  What the company spent on selling and advertising, where it is reported apart.
  selling_and_marketing_expense selling_and_marketing_expenses
general_and_administrative | General and administrative | USD
  What it cost to run the company, where it is reported apart from selling.
  general_and_administrative_expense general_and_administrative_expenses
operating_expenses | Operating expenses | USD
  The running costs. Companies differ: some include the cost of revenue; the figure's note says so.
  operating_expense
operating_income | Operating income | USD
  Profit from the business itself, before interest and tax.
  operating_income_loss total_operating_income_as_reported
net_interest_income | Net interest income | USD
  What a bank earns on loans and securities minus what it pays on deposits and debt.
  -
noninterest_revenue | Noninterest revenue | USD
  What a bank earns from fees, trading and services rather than interest.
  noninterest_income non_interest_income
noninterest_expense | Noninterest expense | USD
  A bank's running costs: pay, technology, buildings; everything but interest and loan losses.
  non_interest_expense
provision_for_credit_losses | Provision for credit losses | USD
  What a bank set aside for loans that may not be paid back.
  credit_losses_provision provision_for_loan_lease_and_other_losses
interest_expense | Interest expense | USD
  What the company paid or owes for borrowed money.
  interest_expense_non_operating
pretax_income | Income before tax | USD
  Profit before income tax.
  income_before_tax
income_tax | Income tax | USD
  The income tax of the year; a negative amount is a tax benefit.
  income_tax_expense tax_provision
net_income | Net income | USD
  The profit that is left for the owners after every cost, interest and tax; negative is a loss.
  net_income_loss bottom_line_net_income
eps_basic | Basic EPS | USD/share
  Net income per share, on the shares that existed on average in the year.
  basic_eps eps earnings_per_share
eps_diluted | Diluted EPS | USD/share
  Net income per share, as if all options and convertibles had become shares.
  diluted_eps earnings_per_share_diluted
dividends_per_share | Dividends per share | USD/share
  The dividend on one share for the year.
  dividends_per_common_share dividends_per_common_share_declared dividend_per_share
shares_basic | Basic shares | shares
  How many shares existed on average in the year.
  basic_average_shares weighted_average_shares weighted_average_shs_out
shares_diluted | Diluted shares | shares
  How many shares there would be on average with all options and convertibles turned into shares.
  diluted_average_shares weighted_average_shares_diluted weighted_average_shs_out_dil
"""

_BALANCE_SHEET = """
cash_and_equivalents | Cash and equivalents | USD
  Money in the bank and what can be turned into it within three months.
  cash_and_cash_equivalents
cash_incl_restricted | Cash including restricted cash | USD
  Cash together with cash that is tied to a purpose.
  cash_cash_equivalents_and_restricted_cash
short_term_investments | Short-term investments | USD
  Securities the company expects to sell or be paid for within a year.
  other_short_term_investments current_investments
receivables | Receivables | USD
  What customers still have to pay.
  accounts_receivable accounts_receivables trade_and_non_trade_receivables net_receivables
inventory | Inventory | USD
  Goods and materials waiting to be sold or used.
  inventories
current_assets | Current assets | USD
  Everything expected to become cash within a year.
  total_current_assets
goodwill | Goodwill | USD
  What was paid for acquired companies above the value of their separate parts.
  -
total_assets | Total assets | USD
  Everything the company owns or is owed.
  assets
accounts_payable | Accounts payable | USD
  What the company still owes its suppliers.
  account_payables accounts_payables trade_payables
current_liabilities | Current liabilities | USD
  Everything that has to be paid within a year.
  total_current_liabilities
long_term_debt | Long-term debt | USD
  Borrowed money that is due later than in a year.
  long_term_debt_noncurrent non_current_debt
total_liabilities | Total liabilities | USD
  Everything the company owes.
  total_liabilities_net_minority_interest liabilities
retained_earnings | Retained earnings | USD
  Profits kept over the years; negative where losses, dividends and buybacks were larger.
  -
equity | Shareholders' equity | USD
  What belongs to the company's own shareholders: assets minus liabilities and minority interests.
  stockholders_equity total_stockholders_equity shareholders_equity common_stock_equity
noncontrolling_interest | Noncontrolling interest | USD
  The part of subsidiaries that belongs to other owners.
  minority_interest
equity_incl_nci | Equity including noncontrolling interest | USD
  Equity of all owners together. Another basis than shareholders' equity: the two never mix.
  total_equity_gross_minority_interest total_equity
liabilities_and_equity | Liabilities and equity | USD
  Both sides of the balance sheet are equal: this is the same amount as total assets.
  total_liabilities_and_total_equity liabilities_and_stockholders_equity
"""

_CASH_FLOW = """
operating_cash_flow | Operating cash flow | USD
  Cash that the business itself brought in; negative means it used cash.
  net_cash_flow_from_operations net_cash_provided_by_operating_activities
capex | Capital expenditure | USD
  Cash spent on buildings, machines and equipment, as a positive amount paid.
  capital_expenditure capital_expenditures purchase_of_ppe investments_in_property_plant_and_equipment
depreciation_amortization | Depreciation and amortization | USD
  The year's share of the cost of long-lived assets; a cost that takes no cash.
  depreciation_and_amortization depreciation_amortization_depletion
stock_based_compensation | Stock-based compensation | USD
  Pay in the form of shares and options; a cost that takes no cash.
  share_based_compensation
investing_cash_flow | Investing cash flow | USD
  Cash from buying and selling long-lived assets and securities; usually negative.
  net_cash_flow_from_investing net_cash_provided_by_investing_activities
dividends_paid | Dividends paid | USD
  Cash paid to shareholders as dividends, as a positive amount paid.
  cash_dividends_paid net_dividends_paid common_dividends_paid dividends_and_other_cash_distributions
buybacks | Share buybacks | USD
  Cash spent on buying back the company's own shares, as a positive amount paid.
  repurchase_of_capital_stock common_stock_repurchased common_stock_payments
financing_cash_flow | Financing cash flow | USD
  Cash from borrowing and issuing shares minus repayments, dividends and buybacks; often negative.
  net_cash_flow_from_financing net_cash_provided_by_financing_activities
"""

_PRICE = """
price | Price | USD/share
  What one share cost at the time shown.
  last_price
close | Close | USD/share
  The last price of the trading day, week or month shown.
  -
adjusted_close | Adjusted close | USD/share
  The close with later splits and dividends taken out, so that returns can be compared over time.
  adj_close
previous_close | Previous close | USD/share
  The closing price of the trading day before.
  prev_close
change | Change | USD/share
  The price minus the previous close.
  day_change
change_percent | Change in percent | ratio
  The change as a part of the previous close; 0.01 is 1 %.
  change_percentage changes_percentage day_change_percent change_pct
open | Open | USD/share
  The first price of the trading day.
  -
high | High | USD/share
  The highest price of the trading day.
  day_high
low | Low | USD/share
  The lowest price of the trading day.
  day_low
volume | Volume | shares
  How many shares were traded on the day.
  last_volume
market_cap | Market capitalization | USD
  What all shares together cost: price times the number of shares.
  mkt_cap market_capitalization
pe_reported | P/E as published | times
  Price divided by earnings per share, as the data source published it on that day.
  trailing_pe
fifty_two_week_high | 52-week high | USD/share
  The highest price of the past year.
  year_high
fifty_two_week_low | 52-week low | USD/share
  The lowest price of the past year.
  year_low
"""

_PROFILE = """
name | Name |
  The company's name.
  company_name long_name short_name
exchange | Exchange |
  The stock exchange where the shares are traded.
  -
cik | SEC number (CIK) |
  The number under which the company files its reports with the SEC.
  -
sector | Sector |
  The broad part of the economy the company belongs to.
  -
industry | Industry |
  The kind of business within the sector.
  -
country | Country |
  The country of the company's seat.
  -
location | Location |
  Where the company has its seat.
  -
website | Website |
  The company's own pages.
  -
employees | Employees |
  How many people work there.
  full_time_employees number_of_employees
currency | Currency |
  The currency the company's shares are quoted in.
  -
description | Description |
  What the company does, in its own or the source's words.
  -
"""

TEXT: dict[Statement, str] = {
    "income": _INCOME,
    "balance_sheet": _BALANCE_SHEET,
    "cash_flow": _CASH_FLOW,
    "price": _PRICE,
    "profile": _PROFILE,
}
