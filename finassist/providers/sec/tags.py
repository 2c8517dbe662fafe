"""Which tags of us-gaap and ifrs-full hold our fields. Data only.

The tags are those that filings use most, the most telling first: the first that a filing
has for a period is taken. A tag on another basis is never a substitute (equity with and without minority interests),
unless the basis is said beside the figure (`NOTES`).
"""

from __future__ import annotations

from collections.abc import Mapping

from finassist.core.facts import Statement

_INCOME = """
revenue: RevenuesNetOfInterestExpense Revenues RevenueFromContractWithCustomerExcludingAssessedTax SalesRevenueNet
    RevenueFromContractWithCustomerIncludingAssessedTax SalesRevenueGoodsNet SalesRevenueServicesNet
    RegulatedAndUnregulatedOperatingRevenue RealEstateRevenueNet Revenue RevenueFromContractsWithCustomers
cost_of_revenue: CostOfRevenue CostOfGoodsAndServicesSold CostOfGoodsSold
    CostOfGoodsAndServiceExcludingDepreciationDepletionAndAmortization CostOfSales
gross_profit: GrossProfit
research_and_development: ResearchAndDevelopmentExpense ResearchAndDevelopmentExpenseExcludingAcquiredInProcessCost
selling_general_admin: SellingGeneralAndAdministrativeExpense SellingGeneralAndAdministrativeExpenses
selling_and_marketing: SellingAndMarketingExpense
general_and_administrative: GeneralAndAdministrativeExpense
operating_expenses: OperatingExpenses CostsAndExpenses
operating_income: OperatingIncomeLoss ProfitLossFromOperatingActivities
net_interest_income: InterestIncomeExpenseNet
noninterest_revenue: NoninterestIncome
noninterest_expense: NoninterestExpense
provision_for_credit_losses: ProvisionForLoanLeaseAndOtherLosses ProvisionForLoanAndLeaseLosses
    ProvisionForLoanLossesExpensed
interest_expense: InterestExpense InterestExpenseNonoperating InterestExpenseDebt InterestAndDebtExpense
pretax_income: IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest
    IncomeLossFromContinuingOperationsBeforeIncomeTaxesMinorityInterestAndIncomeLossFromEquityMethodInvestments
    ProfitLossBeforeTax
income_tax: IncomeTaxExpenseBenefit IncomeTaxExpenseContinuingOperations
net_income: NetIncomeLoss ProfitLossAttributableToOwnersOfParent ProfitLoss
    NetIncomeLossAvailableToCommonStockholdersBasic
eps_basic: EarningsPerShareBasic EarningsPerShareBasicAndDiluted BasicEarningsLossPerShare
eps_diluted: EarningsPerShareDiluted EarningsPerShareBasicAndDiluted DilutedEarningsLossPerShare
dividends_per_share: CommonStockDividendsPerShareDeclared CommonStockDividendsPerShareCashPaid
shares_basic: WeightedAverageNumberOfSharesOutstandingBasic WeightedAverageNumberOfShareOutstandingBasicAndDiluted
    WeightedAverageShares
shares_diluted: WeightedAverageNumberOfDilutedSharesOutstanding WeightedAverageNumberOfShareOutstandingBasicAndDiluted
    AdjustedWeightedAverageShares
"""

_BALANCE_SHEET = """
cash_and_equivalents: CashAndCashEquivalentsAtCarryingValue CashAndDueFromBanks Cash CashAndCashEquivalents
cash_incl_restricted: CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents
short_term_investments: MarketableSecuritiesCurrent ShortTermInvestments AvailableForSaleSecuritiesDebtSecuritiesCurrent
receivables: AccountsReceivableNetCurrent ReceivablesNetCurrent AccountsNotesAndLoansReceivableNetCurrent
    TradeAndOtherCurrentReceivables
inventory: InventoryNet Inventories
current_assets: AssetsCurrent CurrentAssets
goodwill: Goodwill
total_assets: Assets
accounts_payable: AccountsPayableCurrent AccountsPayableTradeCurrent AccountsPayableAndAccruedLiabilitiesCurrent
    TradeAndOtherCurrentPayables
current_liabilities: LiabilitiesCurrent CurrentLiabilities
long_term_debt: LongTermDebtNoncurrent LongTermDebtAndCapitalLeaseObligations LongTermDebt
    LongTermDebtAndCapitalLeaseObligationsIncludingCurrentMaturities LongtermBorrowings
total_liabilities: Liabilities
retained_earnings: RetainedEarningsAccumulatedDeficit RetainedEarnings
equity: StockholdersEquity EquityAttributableToOwnersOfParent
noncontrolling_interest: MinorityInterest NoncontrollingInterests
equity_incl_nci: StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest Equity
liabilities_and_equity: LiabilitiesAndStockholdersEquity EquityAndLiabilities
"""

_CASH_FLOW = """
operating_cash_flow: NetCashProvidedByUsedInOperatingActivities
    NetCashProvidedByUsedInOperatingActivitiesContinuingOperations CashFlowsFromUsedInOperatingActivities
capex: PaymentsToAcquirePropertyPlantAndEquipment PaymentsToAcquireProductiveAssets
    PaymentsToAcquireOtherPropertyPlantAndEquipment PurchaseOfPropertyPlantAndEquipmentClassifiedAsInvestingActivities
depreciation_amortization: DepreciationDepletionAndAmortization DepreciationAndAmortization
    DepreciationAmortizationAndAccretionNet DepreciationAndAmortisationExpense
stock_based_compensation: ShareBasedCompensation AdjustmentsForSharebasedPayments
investing_cash_flow: NetCashProvidedByUsedInInvestingActivities CashFlowsFromUsedInInvestingActivities
dividends_paid: PaymentsOfDividends PaymentsOfDividendsCommonStock PaymentsOfOrdinaryDividends
    DividendsPaidClassifiedAsFinancingActivities
buybacks: PaymentsForRepurchaseOfCommonStock PaymentsForRepurchaseOfEquity PaymentsToAcquireOrRedeemEntitysShares
financing_cash_flow: NetCashProvidedByUsedInFinancingActivities CashFlowsFromUsedInFinancingActivities
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

TOP_LINES = ("RevenuesNetOfInterestExpense", "Revenues")
"""Revenue of a lender: under any other tag it is a slice, fees without interest."""

NOTES: Mapping[str, str] = {
    "CostsAndExpenses": "all costs and expenses, the cost of revenue included",
    "ProfitLoss": "includes noncontrolling (minority) interests",
    "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations": "of continuing operations only",
    "NetIncomeLossAvailableToCommonStockholdersBasic": "after preferred dividends",
    "LongTermDebt": "includes the part that is due within a year",
    "LongTermDebtAndCapitalLeaseObligationsIncludingCurrentMaturities": "includes leases and what is due within a year",
    "AccountsPayableAndAccruedLiabilitiesCurrent": "includes accrued liabilities",
    "TradeAndOtherCurrentReceivables": "includes other receivables",
    "TradeAndOtherCurrentPayables": "includes other payables",
    "CommonStockDividendsPerShareCashPaid": "dividends paid, not declared",
}
"""What to know about a figure that was found under one of these tags."""
