"""Companies people ask about that have no ticker in the directory, and why.

No name here is filed in the directory; a test holds the lists to that.
"""

from __future__ import annotations

from functools import cache

from finassist.symbols.names import key, name_words

DELISTED = {
    "Activision": "was bought by Microsoft in 2023",
    "Activision Blizzard": "was bought by Microsoft in 2023",
    "Anadarko": "was bought by Occidental Petroleum in 2019",
    "Ansys": "was bought by Synopsys in 2025",
    "Aetna": "was bought by CVS Health in 2018",
    "Allergan": "was bought by AbbVie in 2020",
    "Arconic": "was taken private in 2023",
    "Bear Stearns": "was bought by JPMorgan Chase in 2008",
    "Berry Global": "was bought by Amcor in 2025",
    "Blizzard": "is part of Microsoft since 2023",
    "Burlington Northern": "was bought by Berkshire Hathaway in 2010",
    "Catalent": "was taken private in 2024",
    "Celgene": "was bought by Bristol Myers Squibb in 2019",
    "Cerner": "was bought by Oracle in 2022",
    "Citrix": "was taken private in 2022",
    "Comerica": "merged into Fifth Third Bancorp",
    "Compaq": "was bought by Hewlett-Packard in 2002",
    "Countrywide": "was bought by Bank of America in 2008",
    "Dayforce": "was taken private",
    "Discover": "was bought by Capital One in 2025",
    "Discover Financial": "was bought by Capital One in 2025",
    "Discover Financial Services": "was bought by Capital One in 2025",
    "DreamWorks": "was bought by Comcast in 2016",
    "Duke Realty": "was bought by Prologis in 2022",
    "EMC": "was bought by Dell in 2016",
    "Enron": "went bankrupt in 2001",
    "First Republic": "failed in 2023 and was sold to JPMorgan Chase",
    "First Republic Bank": "failed in 2023 and was sold to JPMorgan Chase",
    "Fitbit": "was bought by Google in 2021",
    "Hess": "was bought by Chevron in 2025",
    "Hess Corp": "was bought by Chevron in 2025",
    "Hologic": "was taken private",
    "Interpublic": "was bought by Omnicom in 2025",
    "Interpublic Group": "was bought by Omnicom in 2025",
    "Juniper": "was bought by Hewlett Packard Enterprise in 2025",
    "Juniper Networks": "was bought by Hewlett Packard Enterprise in 2025",
    "Kansas City Southern": "was bought by Canadian Pacific in 2023",
    "Kellanova": "was bought by Mars in 2025",
    "Kellogg": "was split in 2023, and its successor Kellanova was bought by Mars in 2025",
    "Kellogg's": "was split in 2023, and its successor Kellanova was bought by Mars in 2025",
    "Lehman": "went bankrupt in 2008",
    "Lehman Brothers": "went bankrupt in 2008",
    "Linear Technology": "was bought by Analog Devices in 2017",
    "Marathon Oil": "was bought by ConocoPhillips in 2024",
    "Maxim Integrated": "was bought by Analog Devices in 2021",
    "Mellanox": "was bought by Nvidia in 2020",
    "Merrill Lynch": "was bought by Bank of America in 2009",
    "Monsanto": "was bought by Bayer in 2018",
    "Nordstrom": "was taken private in 2025",
    "Nuance": "was bought by Microsoft in 2022",
    "Pioneer Natural Resources": "was bought by Exxon Mobil in 2024",
    "Rite Aid": "went bankrupt and closed in 2025",
    "Seagen": "was bought by Pfizer in 2023",
    "Signature Bank": "failed in 2023",
    "Silicon Valley Bank": "failed in 2023",
    "Skechers": "was taken private in 2025",
    "Slack": "was bought by Salesforce in 2021",
    "Splunk": "was bought by Cisco in 2024",
    "Sprint": "merged into T-Mobile US in 2020",
    "Sun Microsystems": "was bought by Oracle in 2010",
    "SVB": "failed in 2023",
    "SVB Financial": "failed in 2023",
    "Tiffany": "was bought by LVMH in 2021",
    "Time Warner": "was bought by AT&T in 2018",
    "Twitter": "was taken private in 2022 and is now X",
    "US Steel": "was bought by Nippon Steel in 2025",
    "United States Steel": "was bought by Nippon Steel in 2025",
    "VMware": "was bought by Broadcom in 2023",
    "Wachovia": "was bought by Wells Fargo in 2008",
    "Walgreens": "was taken private in 2025",
    "Walgreens Boots Alliance": "was taken private in 2025",
    "Washington Mutual": "failed in 2008 and was sold to JPMorgan Chase",
    "Whole Foods": "was bought by Amazon in 2017",
    "WorldCom": "went bankrupt in 2002",
    "Xilinx": "was bought by AMD in 2022",
}
"""Companies that used to be listed, and what became of them."""

DELISTED_TICKERS = {
    "ANSS": "Ansys",
    "ATVI": "Activision Blizzard",
    "CMA": "Comerica",
    "CTLT": "Catalent",
    "DFS": "Discover Financial Services",
    "FRC": "First Republic Bank",
    "HES": "Hess",
    "HOLX": "Hologic",
    "IPG": "Interpublic Group",
    "JNPR": "Juniper Networks",
    "JWN": "Nordstrom",
    "MRO": "Marathon Oil",
    "PXD": "Pioneer Natural Resources",
    "SGEN": "Seagen",
    "SIVB": "Silicon Valley Bank",
    "SKX": "Skechers",
    "SPLK": "Splunk",
    "TWTR": "Twitter",
    "VMW": "VMware",
    "WBA": "Walgreens Boots Alliance",
    "XLNX": "Xilinx",
}
"""Tickers that are gone, by the company's name in `DELISTED`."""

PRIVATE = (
    "Aldi, Anthropic, Bloomberg, ByteDance, Cargill, Databricks, Deloitte, Discord, Epic Games, Huawei, IKEA, "
    "In-N-Out, Koch Industries, KPMG, Lego, Mars, McKinsey, OpenAI, Patreon, PwC, Ripple, Rolex, Shein, Stripe, "
    "TikTok, Trader Joe's, Valve, Vanguard, xAI"
)
"""Companies owned privately, so that there is no ticker."""

FOREIGN = (
    "Adidas, Airbus, Aramco, BASF, Bayer, Danone, Foxconn, Gazprom, Gucci, Hermès, Hyundai, Inditex, "
    "L'Oréal, LVMH, Lenovo, Mercedes-Benz, Nestlé, Nintendo, Pernod Ricard, Porsche, Ørsted, Reckitt, Roche, "
    "Rolls-Royce, Samsung, Samsung Electronics, Saudi Aramco, Siemens, SoftBank, Tencent, Volkswagen, VW, Xiaomi, Zara"
)
"""Companies listed abroad and not in the directory."""


@cache
def not_listed() -> dict[str, tuple[str, str]]:
    """Folded name -> the name and why there is no ticker: `what became of it`, `"private"` or `"foreign"`."""
    gone = dict(DELISTED)
    gone |= dict.fromkeys(PRIVATE.split(", "), "private") | dict.fromkeys(FOREIGN.split(", "), "foreign")
    return {key(name_words(name)): (name, reason) for name, reason in gone.items()}
