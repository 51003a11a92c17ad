"""How names and numbers are spelled for people, and the cards of a notebook."""
