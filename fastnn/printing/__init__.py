"""How a step is written: one file for each language, and what they share."""
