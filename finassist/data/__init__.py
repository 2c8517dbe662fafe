"""Where figures come from: providers, the field vocabulary, the symbol directory."""
