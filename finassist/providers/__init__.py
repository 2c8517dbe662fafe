"""Where figures come from: the embedded data, live sources, and what they share."""
