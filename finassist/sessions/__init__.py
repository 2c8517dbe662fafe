"""Stored conversations: SQLite, PostgreSQL or memory."""
