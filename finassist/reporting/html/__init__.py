"""Documents as HTML: every text escaped, nothing remote."""
