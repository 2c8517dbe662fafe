"""Language: the agents, the models they run on, and the offline model with its rules and glossary."""
