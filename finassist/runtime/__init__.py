"""Performs what flows ask for: drivers, the sync portal, the Agno step, one run and its state."""
