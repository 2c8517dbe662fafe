"""Which us-gaap tags hold our fields. Data only.

The tags are those that the filings behind the embedded figures use, the most telling first: the first that a filing
has for a period is taken. A tag on another basis is never a substitute (equity with and without minority interests),
unless the basis is said beside the figure (`NOTES`).
"""

from __future__ import annotations

from collections.abc import Mapping

from finassist.core.facts import Statement

_INCOME = """
revenue: Revenues RevenueFromContractWithCustomerExcludingAssessedTax SalesRevenueNet
cost_of_revenue: CostOfRevenue CostOfGoodsAndServicesSold CostOfGoodsSold
gross_profit: GrossProfit
research_and_development: ResearchAndDevelopmentExpense ResearchAndDevelopmentExpenseExcludingAcquiredInProcessCost
selling_general_admin: SellingGeneralAndAdministrativeExpense
selling_and_marketing: SellingAndMarketingExpense
general_and_administrative: GeneralAndAdministrativeExpense
operating_expenses: OperatingExpenses CostsAndExpenses
operating_income: OperatingIncomeLoss
net_interest_income: InterestIncomeExpenseNet
noninterest_revenue: NoninterestIncome
noninterest_expense: NoninterestExpense
provision_for_credit_losses: ProvisionForLoanLeaseAndOtherLosses
interest_expense: InterestExpense InterestExpenseNonoperating InterestExpenseDebt
pretax_income: IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest
    IncomeLossFromContinuingOperationsBeforeIncomeTaxesMinorityInterestAndIncomeLossFromEquityMethodInvestments
income_tax: IncomeTaxExpenseBenefit
net_income: NetIncomeLoss ProfitLoss
eps_basic: EarningsPerShareBasic
eps_diluted: EarningsPerShareDiluted
dividends_per_share: CommonStockDividendsPerShareDeclared CommonStockDividendsPerShareCashPaid
shares_basic: WeightedAverageNumberOfSharesOutstandingBasic
shares_diluted: WeightedAverageNumberOfDilutedSharesOutstanding
"""

_BALANCE_SHEET = """
cash_and_equivalents: CashAndCashEquivalentsAtCarryingValue
cash_incl_restricted: CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents
short_term_investments: MarketableSecuritiesCurrent ShortTermInvestments AvailableForSaleSecuritiesDebtSecuritiesCurrent
receivables: AccountsReceivableNetCurrent ReceivablesNetCurrent
inventory: InventoryNet
current_assets: AssetsCurrent
goodwill: Goodwill
total_assets: Assets
accounts_payable: AccountsPayableCurrent AccountsPayableTradeCurrent
current_liabilities: LiabilitiesCurrent
long_term_debt: LongTermDebtNoncurrent LongTermDebtAndCapitalLeaseObligations
total_liabilities: Liabilities
retained_earnings: RetainedEarningsAccumulatedDeficit
equity: StockholdersEquity
noncontrolling_interest: MinorityInterest
equity_incl_nci: StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest
liabilities_and_equity: LiabilitiesAndStockholdersEquity
"""

_CASH_FLOW = """
operating_cash_flow: NetCashProvidedByUsedInOperatingActivities
    NetCashProvidedByUsedInOperatingActivitiesContinuingOperations
capex: PaymentsToAcquirePropertyPlantAndEquipment PaymentsToAcquireProductiveAssets
depreciation_amortization: DepreciationDepletionAndAmortization DepreciationAndAmortization
stock_based_compensation: ShareBasedCompensation
investing_cash_flow: NetCashProvidedByUsedInInvestingActivities
dividends_paid: PaymentsOfDividends PaymentsOfDividendsCommonStock PaymentsOfOrdinaryDividends
buybacks: PaymentsForRepurchaseOfCommonStock
financing_cash_flow: NetCashProvidedByUsedInFinancingActivities
"""


def _table(text: str) -> Mapping[str, tuple[str, ...]]:
    rows = text.replace("\n    ", " ").strip().splitlines()
    return {field: tuple(tags.split()) for field, _, tags in (row.partition(":") for row in rows)}


TAGS: Mapping[Statement, Mapping[str, tuple[str, ...]]] = {
    "income": _table(_INCOME),
    "balance_sheet": _table(_BALANCE_SHEET),
    "cash_flow": _table(_CASH_FLOW),
}
"""Tags by statement and field, in order of preference."""

NOTES: Mapping[str, str] = {
    "CostsAndExpenses": "all costs and expenses, the cost of revenue included",
    "ProfitLoss": "includes noncontrolling (minority) interests",
    "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations": "of continuing operations only",
    "CommonStockDividendsPerShareCashPaid": "dividends paid, not declared",
}
"""What to know about a figure that was found under one of these tags."""
