"""Builders of the embedded data, and other tools for developers."""
