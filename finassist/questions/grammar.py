"""The words of operations, comparisons, sets and refusals, by language. Data only; `understand` gives them meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What a word does to figures. A word stands under the first tag that lists it.
OPERATIONS: Mapping[str, str] = {
    "cagr": "cagr | compound annual growth rate | compound annual growth | compounded annual growth rate | compounded annual growth | annual growth rate | annual rate of growth | average annual growth rate | average annual growth | annualised growth | annualized growth | annualised growth rate | annualized growth rate | compound growth rate | compound growth | compound rate | annual compound growth | yearly growth rate | average yearly growth | at what annual rate | what annual rate | growth per year | grow per year | grew per year | grow each year on average | tasa de crecimiento anual compuesta | tasa anual compuesta | jährliche wachstumsrate | durchschnittliche jährliche wachstumsrate | taux de croissance annuel composé | taux de croissance annuel moyen | tcac | taxa de crescimento anual composta | tasso di crescita annuo composto | 复合年增长率 | 年复合增长率 | 年均复合增长率 | 年平均成長率",
    "times": "how many times | times as large | times as big | times as much | times larger | times bigger | times as high | times higher | a multiple of | how often | cuántas veces | wie oft | wievielmal | combien de fois | quantas vezes | quante volte | 多少倍 | 几倍 | 何倍",
    "difference": "difference | gap | how much more | how much less | how much higher | how much lower | how much larger | how much bigger | how much smaller | how much greater | how much better | by how many dollars | how many dollars more | how many more | how many percentage points | spread between | margin between | exceed | exceeded | exceeds | absolute change | dollar change | dollar increase | change in dollars | in dollar terms | how many dollars | diferencia | unterschied | differenz | différence | écart | diferença | differenza | 差额 | 差距 | 相差 | 差",
    "yoy": "yoy | y/y | y o y | year over year | year on year | yr/yr | vs prior year | versus prior year | compared with the year before | compared to the year before | against the prior year | interanual | im vorjahresvergleich | sur un an | 同比 | 前年比 | 前年同期比",
    "qoq": "qoq | q/q | quarter over quarter | quarter on quarter | sequentially | sequential | 环比 | 前四半期比",
    "growth": "growth | grow | grew | grown | growing | grows | percentage change | percent change | % change | pct change | percentage increase | percent increase | percentage decrease | percentage growth | growth rate | rate of growth | rate of change | rose | rise | risen | rises | increase | increased | increases | climb | climbed | jump | jumped | surge | surged | fell | fall | fallen | falls | declined | decline | declines | dropped | drop | drops | decrease | decreased | decreases | shrank | shrink | shrunk | change | changed | changes | expand | expanded | gained | gain | moved | move | slid | slide | slipped | lost ground | reduced | reduce | reduces | cut | what happened to | up or down | swing | swung | tumble | tumbled | slump | slumped | went up | go up | gone up | went down | go down | came down | double | doubled | plunge | plunged | soared | soar | contract | contracted | crecimiento | creció | crecer | aumentó | aumento | variación | cayó | disminuyó | subió | bajó | cambió | crecieron | wachstum | wuchs | gewachsen | stieg | gestiegen | veränderung | verändert | rückgang | sank | gesunken | fiel | gefallen | änderung | zugelegt | croissance | augmenté | progressé | baissé | évolution | évolué | hausse | baisse | variation | augmentation | crescimento | cresceu | aumentou | caiu | variação | diminuiu | subiu | mudou | crescita | cresciuto | cresciuta | cresciuti | aumentato | aumentati | calato | calati | variazione | diminuito | 增长 | 增长率 | 增长了 | 下降 | 上涨 | 下跌 | 变化 | 增幅 | 涨幅 | 跌幅 | 成長率 | 成長 | 増加 | 減少 | 伸び | 増減 | 伸び率 | 増加率 | 騰落率",
    "sum": "combined | together | altogether | sum | sum of | in total | cumulative | cumulatively | add up | added up | added together | aggregate | in aggregate | plus | taken together | jointly | total over | total for the | en conjunto | juntos | combinado | combinados | zusammen | insgesamt | kombiniert | summe | ensemble | cumulé | au total | juntas | somados | soma | combinada | insieme | complessivo | somma | 合计 | 总共 | 总和 | 加起来 | 合計",
    "mean": "average | mean | on average | avg | averaged | averages | mean value | promedio | media | en promedio | durchschnitt | durchschnittlich | durchschnittliche | durchschnittlicher | im durchschnitt | im schnitt | moyenne | en moyenne | média | em média | in media | 平均 | 平均值",
    "median": "median | mediana | médiane | 中位数 | 中央値",
    "trend": "trend | trends | trended | over time | developed | develop | evolve | evolved | evolution | each year | every year | by year | year by year | yearly | annually | for each year | in each year | each of the years | for every year | per year | history | historical | improve | improved | improving | worsen | worsened | deteriorate | deteriorated | got better | getting better | get better | getting worse | got worse | rising or falling | rising | falling | going up | going down | up or down | increasing | decreasing | increasing or decreasing | declining | shrinking | widen | widened | widening | narrow | narrowed | narrowing | track | quarterly | quarter by quarter | by quarter | each quarter | every quarter | per quarter | tendencia | evolución | mejoró | entwicklung | entwickelt | entwickelte | tendance | s'est améliorée | tendência | evolução | evoluiu | andamento | tendenza | 趋势 | 走势 | 推移 | 每年 | 毎年",
    "share": "as a percentage of | as percentage of | as a percent of | as percent of | as % of | as a % of | as a share of | as share of | share of | percent of | percentage of | % of | proportion of | fraction of | in percent of | as a fraction of | as a proportion of | in relation to | relative to its | relative to | as part of | what part of | part of | in proportion to | portion of | as a portion of | como porcentaje de | porcentaje de | anteil am | anteil an | in prozent des | in prozent vom | prozent des | en pourcentage du | en pourcentage de | part du | part des | como percentual da | como porcentagem da | percentual da | in percentuale dei | percentuale dei | percentuale del | quota di",
    "per share": "per share | per diluted share | a share | per common share | por acción | je aktie | pro aktie | par action | por ação | per azione | 每股 | 1株当たり | 一株当たり",
}  # fmt: skip

DIRECTIONS: Mapping[str, str] = {
    "most": "highest | largest | biggest | greatest | most | best | top | strongest | maximum | max | fastest | richest | leading | peak | record | dearest | priciest | most expensive | longest | steepest | number one | more | higher | larger | bigger | greater | better | stronger | faster | outperform | outperformed | wins | win | ahead | leads | lead | deeper | beat | beats | mayor | más alto | más alta | más | superior | mejor | höher | höchste | höchsten | größer | größte | größten | mehr | meiste | meisten | stärker | besser | schneller | le plus élevé | la plus élevée | plus élevée | plus élevé | plus grand | plus grande | plus | supérieure | meilleur | meilleure | le plus | maior | maiores | mais | mais alto | melhor | maggiore | maggiori | più alto | più alta | più | migliore | superiore | 最高 | 最大 | 更高 | 更大 | 更多 | 最多 | 最好 | 高い | 大きい | 多い | 最も高い | より高い",
    "least": "lowest | smallest | least | worst | weakest | minimum | min | fewest | slowest | cheapest | shortest | lower | smaller | less | worse | fewer | weaker | cheaper | slower | underperform | underperformed | loses | behind | bottom | poorest | tiniest | menor | más bajo | más baja | menos | peor | inferior | niedriger | niedrigste | niedrigsten | kleiner | kleinste | weniger | wenigsten | schwächer | le plus bas | la plus basse | plus bas | plus basse | moins | plus faible | pire | menores | mais baixo | pior | minore | più basso | più bassa | meno | peggiore | 最低 | 最小 | 更低 | 最少 | 低い | 小さい | 少ない",
}  # fmt: skip

RANK = "rank | ranked | ranking | rank them | order | sort | sorted | put in order | list in order | sort by | rank by | arrange | line up | league table | ordena | ordenar | sortiere | ordne | rangliste | classe | classez | trie | ordene | classifica | ordina | 排名 | 排序 | 順位 | 並べ"
ASCENDING = re.compile(r"\b(?:lowest|smallest|least|worst|weakest|bottom|cheapest|slowest) (?:first|to (?:the )?(?:highest|largest|most|best|top|strongest|greatest|biggest|fastest))|\bascending\b|\bfrom (?:the )?(?:lowest|smallest|bottom|least|worst|weakest|cheapest)\b|\b(?:low|small|worst) to (?:high|large|best)\b|\bbottom up\b")
DESCENDING = re.compile(r"\b(?:highest|largest|most|best|strongest|biggest|greatest|top|fastest) (?:first|to (?:the )?(?:lowest|smallest|least|worst|bottom|weakest|slowest))|\bdescending\b|\bfrom (?:the )?(?:highest|largest|top|most|best|biggest|strongest)\b|\b(?:high|large|best) to (?:low|small|worst)\b")

SETS = "companies | company | firms | firm | stocks | corporations | corporation | businesses | names | issuers | constituents | members | s&p 500 companies | s&p companies | embedded companies | listed companies | who | whose | which ones | empresas | empresa | compañías | compañía | unternehmen | firmen | firma | konzerne | konzern | entreprises | entreprise | sociétés | société | companhias | companhia | aziende | azienda | società | imprese | 公司 | 企业 | 企業 | 会社"
WHICH = "which | who | what company | what companies | what stock | what firm | whose | qué | quién | cuál | welche | welches | welcher | wer | quelle | quel | qui | qual | quem | quale | chi | 哪家 | 哪个 | 哪些 | 哪 | どちら | どの | どこ"

SECTORS: Mapping[str, str] = {
    "Information Technology": "information technology | tech | technology | it sector | it companies | 科技 | tecnología | technologie | tecnologia | technologieunternehmen",
    "Health Care": "health care | healthcare | health-care | medical | 医疗 | ヘルスケア | gesundheit | salud | santé | saúde",
    "Financials": "financials | financial | financial services | finance sector | 金融 | finanzwerte",
    "Consumer Discretionary": "consumer discretionary | discretionary",
    "Consumer Staples": "consumer staples | staples | consumer defensive",
    "Communication Services": "communication services | communications | communication | telecom and media | media and telecom",
    "Industrials": "industrials | industrial | industrial sector | 工业",
    "Energy": "energy | oil and gas | oil & gas | oil | 能源 | エネルギー | energie | energía | énergie | energia",
    "Utilities": "utilities | utility | 公用事业 | versorger",
    "Real Estate": "real estate | reits | reit | property | 房地产 | immobilien",
    "Materials": "materials | basic materials | raw materials | 材料",
    "Semiconductors": "semiconductor | semiconductors | chip | chips | chipmaker | chipmakers | chip makers | semis | 半导体 | 半導体",
    "Software": "software | software makers",
    "Banks": "banks | bank | banking | 银行 | 銀行 | banken | bancos | banques | banche",
    "Insurance": "insurance | insurers | insurer | insurance companies",
    "Pharmaceuticals": "pharma | pharmaceutical | pharmaceuticals | drug makers | drugmakers | drugmaker | drug | 制药",
    "Biotechnology": "biotech | biotechnology | biotechs",
    "Airlines": "airline | airlines | carriers",
    "Automobile Manufacturers": "automakers | automaker | car makers | carmakers | carmaker | auto | automotive | car manufacturers",
    "Retail": "retail | retailers | retailer",
    "Restaurants": "restaurant | restaurants | restaurant chains",
    "Aerospace & Defense": "aerospace | defense | defence | aerospace and defense | defense contractors",
    "Media": "media",
    "Railroads": "railroad | railroads | rail | railways",
    "Homebuilding": "homebuilders | homebuilder | home builders | homebuilding",
}  # fmt: skip

JUDGE = "overvalued | undervalued | over valued | under valued | should i buy | should i sell | should i invest | should we buy | should one buy | buy or sell | buy or hold | worth buying | a buy | a sell | good buy | good investment | good stock | overpriced | underpriced | expensive | cheap | fairly valued | fair value | fairly priced | worth the price | worth it | good time to buy | bargain | financially healthy | healthy | in good shape | too much debt | overleveraged | in trouble | solvent | safe investment | invest in | buy shares | buy stock | sobrevalorada | cara | comprar | überbewertet | teuer | kaufen | unterbewertet | surévaluée | chère | acheter | sobrevalorizada | sopravvalutata | 高估 | 低估 | 值得买 | 割高 | 割安 | 買うべき"
DEFINE = re.compile(
    r"\b(?:what (?:is|are|'s|was) (?:meant by|the (?:meaning|definition) of)|what's meant by|define|definition of|meaning of|what (?:do|does) .{1,60}? (?:mean|measure|tell|stand for)|explain|describe|how (?:is|are|do you|does one|to) .{1,60}?(?:calculated?|computed?|defined?|worked out|measured?)|what exactly is|in simple terms|tell me what .{1,40}? (?:is|means)|qué es|qué significa|was ist|was bedeutet|erkläre?|was versteht man|qu'est-ce que|que signifie|o que é|o que significa|cos'è|che cos'è|cosa significa)\b|是什么意思|什么是|的定义|とは"
)
DOCUMENT = re.compile(
    r"\b(?:report(?: on| about)?|tell me (?:everything |all |more )?about|overview|analy[sz]e|analysis|profile of|company profile|figures on|the figures|facts (?:on|about)|summary of|summari[sz]e|everything (?:about|on)|financials|look at|deep dive|income statement|balance sheet|cash flow statement|financial statements?|annual report|statements|research|compare|comparison|snapshot|brief me|how is .{1,30} doing|informe|bericht|rapport|relatório|rapporto)\b"
)

LESS = r"(?P<lt>below|under|less than|lower than|fewer than|smaller than|at most|no more than|not more than|up to|cheaper than|worse than|<=?|unter|weniger als|kleiner als|höchstens|menos de|por debajo de|inferior a|menor que|moins de|inférieure? à|en dessous de|menos que|abaixo de|meno di|inferiore a|sotto il|低于|小于|少于|不到)"
MORE = r"(?P<gt>above|over|more than|greater than|higher than|larger than|bigger than|exceed(?:s|ed|ing)?|at least|no less than|not less than|upwards of|in excess of|beyond|better than|north of|>=?|über|mehr als|größer als|höher als|mindestens|más de|por encima de|superior a|mayor que|plus de|supérieure? à|au-dessus de|mais de|acima de|maior que|più di|superiore a|oltre|sopra il|高于|大于|超过|多于)"
AMOUNT = r"(?P<cur>us\$|\$|usd|€)?\s?(?P<num>-?\d+(?:[.,]\d+)*)\s?-?(?P<unit>%|percent|per cent|pct|prozent|por ciento|pour cent|por cento|per cento|trillion|tn|billion|billions|bn|b\b|mrd\.?|milliarden?|milliards?|million|millions|mn|mm|m\b|mio\.?|thousand|k\b|times|x\b|days|亿|万|万亿|億|兆)?"
BETWEEN = re.compile(rf"\bbetween {AMOUNT.replace('?P<', '?P<a')} and {AMOUNT}")
COMPARISON = re.compile(rf"(?:{LESS}|{MORE})\s+(?:than\s+)?(?:about |around |roughly |a |of )?{AMOUNT}")
AFTER = re.compile(rf"{AMOUNT}\s?(?:usd |dollars )?(?:or|and) (?P<dir>more|less|higher|lower|above|below|over|under|fewer|greater|better|up)\b")
POSITIVE = re.compile(r"\b(?:a )?positive\b|(?<!most )(?<!more )(?<!least )\bprofitable\b|\bmade (?:a profit|money)\b")
NEGATIVE = re.compile(r"\b(?:a )?negative\b|\bloss[- ]making\b|\bunprofitable\b|\b(?:made|reported|posted|had|booked) (?:a )?(?:net )?loss(?:es)?\b|\blost money\b")
SCALES = {
    "trillion": 1e12, "tn": 1e12, "billion": 1e9, "billions": 1e9, "bn": 1e9, "b": 1e9, "mrd": 1e9, "milliarden": 1e9, "milliarde": 1e9, "milliard": 1e9,
    "milliards": 1e9, "million": 1e6, "millions": 1e6, "mn": 1e6, "mm": 1e6, "m": 1e6, "mio": 1e6, "thousand": 1e3, "k": 1e3, "亿": 1e8, "億": 1e8,
    "万": 1e4, "万亿": 1e12, "兆": 1e12,
}  # fmt: skip
PERCENT = frozenset({"%", "percent", "per cent", "pct", "prozent", "por ciento", "pour cent", "por cento", "per cento"})

ASIDES = re.compile(r"\b\w+(?: and \w+)? aside,?|\bfy or not\b|\bleaving .{1,40}? aside,?|\bnot (?:the |for )?(?:fy|q[1-4] ?|fiscal )\d*\b|\bignoring .{1,40}?,|\bregardless of [^,]{1,40},|\baccording to (?:your|the) data\b|\bin your data\b|\bin the (?:embedded )?data(?: ?set)?\b")

TOPICS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("cryptocurrency", "There are no prices of cryptocurrencies here", re.compile(r"\b(?:bitcoins?|btc|ethereum|eth(?:er)?\b|crypto\w*|dogecoin|doge|solana|litecoin|xrp|stablecoin|cardano)\b|比特币|ビットコイン|加密货币")),
    ("commodity", "There are no prices of commodities here", re.compile(r"\b(?:crude(?: oil)?|brent|wti|oil prices?|barrel of oil|gold price|price of (?:gold|silver|copper|oil|wheat|corn|natural gas)|gold\b(?!man)|silver\b|copper\b(?! ?mountain)|natural gas price|wheat price|platinum|palladium|commodit\w+)\b|黄金|原油|金価格")),
    ("currency", "There are no exchange rates here", re.compile(r"\b(?:exchange rates?|forex|fx rate|eur/?usd|usd/?jpy|gbp/?usd|dollar to euro|euro to dollar|(?:euros?|yen|pounds?|pesos?|francs?|yuan|rupees?) (?:in|to|per|against|worth)|(?:dollars?|usd) (?:in|to|per|against) (?:euros?|yen|pounds?|eur|gbp|jpy)|the euro\b|the yen\b|sterling)\b|汇率|為替")),
    ("ETF", "Funds and ETFs are not in the data", re.compile(r"\b(?:etfs?|qqq|spy\b|voo|vti|ivv|iwm|arkk|mutual funds?|index funds?|hedge funds?)\b")),
    ("index", "Of indices only the S&P 500 is in the data", re.compile(r"\b(?:vix|dow jones|the dow|djia|nasdaq composite|nasdaq 100|nasdaq index|russell 2000|ftse|dax\b|nikkei|hang seng|euro stoxx|stoxx|cac 40|msci)\b|日経平均|恒生")),
    ("forecast", "There are no forecasts, guidance or estimates here", re.compile(r"\b(?:forecasts?|predict\w*|projections?|projected|guidance|guide for|outlook|estimates? for|(?:is|are) expected|expected (?:revenue|earnings|eps|sales|income|profit|growth|price|net|dividend|cash|free)|analysts? expect|consensus|will .{1,60}? (?:be|have|earn|make|grow|reach|report|hit|pay|go|rise|fall)|next (?:fiscal )?year|next year's|going to|price target|in the future|by 20[3-9]\d)\b|预测|预计|予想|見通し|\b(?:pronóstico|previsión|prognose|prévision|previsão|previsione)\b")),
    ("rates", "Interest rates and inflation figures are not answered yet", re.compile(r"\b(?:fed funds|federal funds|mortgage rates?|treasury (?:yields?|rates?|bonds?)|treasuries|t-bills?|10[- ]year (?:yield|treasury)|interest rates? (?:in|of the fed|now|today)|inflation rate (?:in|of)|unemployment rate|gdp)\b")),
    ("person", "Names of people are not in the data", re.compile(r"\b(?:ceo|cfo|coo|cto|chief (?:executive|financial|operating|technology)(?: officer)?|who (?:runs|leads|founded|heads|owns|is the (?:head|boss|founder|chair\w*|president))|founders?|chair(?:man|woman|person)|board (?:members?|of directors)|director general|executives?|management team|president of)\b|首席执行官|总裁|社長|最高経営責任者")),
    ("headcount", "The number of employees is not in the data", re.compile(r"\b(?:employees?|headcount|workforce|staff|how many people (?:work|does)|workers|people does \w+ employ|empleados|mitarbeiter|employés|funcionários|dipendenti)\b|员工|従業員")),
    ("operating data", "Operating data such as customers, units and stores are not in the data", re.compile(r"\b(?:subscribers?|monthly active users|daily active users|(?:how many|number of) (?:users|customers|members|stores|shops|restaurants|warehouses|vehicles|cars|deliveries|units|iphones|phones|aircraft|planes|devices|locations|branches|data centers|hotels|passengers|drivers|clients|patents)|(?:vehicles?|cars|units|iphones|aircraft|planes) (?:did .{1,30} )?(?:delivered|sold|sell|deliver|ship\w*)|same[- ]store sales|comparable sales|market share|active users|mau|dau|arpu|churn|backlog|capacity|square feet)\b|用户数|会员数|门店")),
    ("news", "News and events are not in the data", re.compile(r"\b(?:news|headlines?|press release|lawsuits?|acquisition of|acquire[ds]?\b|merger|scandal|recall(?:s|ed)?|layoffs?|earnings call|earnings date|when does .{1,40}? report|next earnings|conference call|transcript)\b|新闻|ニュース")),
    ("insiders and analysts", "Trades of insiders, ratings and views of analysts are not in the data", re.compile(r"\b(?:insiders?|insider (?:buying|selling|trades?)|analysts?|analyst ratings?|credit rating|rated by|moody'?s rating|short interest|institutional (?:owners?|holders?|ownership)|largest shareholders?|major shareholders?|13f|esg|sustainability score|options? chain|implied volatility)\b")),
    ("intraday price", "There are closing prices only", re.compile(r"\b(?:intraday|opening price|opened at|open price|trading volume|volume traded|bid|ask price|pre-?market|after[- ]hours|52[- ]week (?:high|low) intraday)\b")),
)  # fmt: skip

COUNTRIES = re.compile(r"\b(?:china|europe|asia|japan|india|germany|france|the uk|united kingdom|united states|the us\b|usa|north america|latin america|emea|apac|international|overseas|abroad|americas|greater china|canada|brazil|mexico|africa|middle east|korea|taiwan|russia|domestic(?:ally)?|foreign|geograph\w+|regions?|by country|by region)\b")
SEGMENTS = re.compile(
    r"\b(?:aws|azure|iphones?|ipads?|macs?\b(?! ?\w*donald)|apple watch|wearables?|airpods|youtube|google cloud|instagram|whatsapp|reality labs|oculus|xbox|linkedin|windows|office 365|surface|gmail|android|waymo|playstation|kindle|alexa|prime video|amazon prime|whole foods|twitch|data ?cent(?:er|re)s?|gaming|cloud|advertising|ads|ad revenue|services segment|services division|services revenue|services business|segments?|divisions?|business units?|product lines?|subsidiar\w+|theme parks?|parks|espn|hulu|disney\+|disney plus|pixar|marvel|marvel studios|streaming|model [3ysx]|cybertruck|energy storage|powerwall|solar|supercharg\w+|frito[- ]lay|gatorade|sprite|fanta|sam'?s club|walmart us|jordan brand|converse|tide|gillette|pampers|foundry|mobileye|client computing|automotive (?:segment|revenue|business)|defen[cs]e (?:segment|unit|business|division)|commercial airplanes|737|787|investment bank(?:ing)?(?: division| unit)?|wealth management|consumer bank\w*|credit cards? (?:division|business)|optum|unitedhealthcare|medical devices (?:segment|unit)|keytruda|ozempic|humira|eliquis|mounjaro|comirnaty|vaccines?|instacart ads|uber eats|freight|mobility|rides)\b"
)
FILLERS = frozenset(
    "a an the of in on at for to from by with and or is are was were be been do does did done has have had what whats what's how much many me my i we us you your "
    "please give show tell list name state find get let know want would like could can will shall its it's it their his her them this that these those there here "
    "according data dataset as per s t d ll re ve so then also just only about into out up over under during within between than if any all each both two three "
    "four five six seven eight nine ten year years fiscal calendar quarter quarters month months day days full end close year-end period periods company's companies' "
    "usd dollars dollar us$ $ in percent percentage % number figure figures value values amount amounts level levels total come came make makes made making "
    "report reports reported reporting post posted book booked record recorded earn earns earned earning generate generates generated generating spend spends spent "
    "spending pay pays paid show shows showed bring brings brought take takes took go goes went produce produced pull pulled deliver delivered see saw seen run runs ran hold held holds "
    "own owns owned carry carried have possess stand stood stands amount amounted equal equals reach reached hit compare compared versus vs against relative "
    "say tell said look like looks much big large high low small exactly roughly approximately actually really overall annual annually yearly quarterly "
    "business corporation corp inc plc co group worth per cent terms basis ended ending ends end begin beginning start started stock stocks share shares "
    "one use using used based calculate compute work works out example instance e.g eg i.e ie order respectively own same time thanks hi hello ok well "
    "who which when where why whose whom please, also pls plz gimme need needs needed question answer quick quickly briefly exact precise latest current most recent "
    "during throughout across among amongst amid while because since until before after ago back now today year's quarter's company companies firm firms "
    "not no non but however still already yet ever never again even very more less put puts money cash flow flows sale sell sells sold dividends return returned returns "
    "set sets aside given giving side line lines item items statement statements consolidated reported diluted basic gaap net gross operating income loss profit "
    "find-out figure out plain words sentence short one-line brief number-wise did, it, them ones there's here's "
    "his her hers it its they we're you're i'm let's that's".split()
)
