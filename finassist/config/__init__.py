"""Settings: their sources, their values, and messages about those that cannot be used."""
