"""From the words of a question to what is asked. Pure."""
