"""The spelling of names and numbers for people, and the cards that a notebook shows."""
