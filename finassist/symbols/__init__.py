"""Companies by ticker and by name."""
