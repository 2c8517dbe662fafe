"""Settings: where they come from and what is said about those that cannot be used."""
