"""Facts to derived facts: ratios, growth, multiples, strengths. Pure."""
