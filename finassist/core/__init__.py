"""Values and names that every other package uses: facts, events, errors, fields. Imports nothing of ours."""
