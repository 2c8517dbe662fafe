"""The embedded figures and prices: no key, no network."""
