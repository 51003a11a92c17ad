"""Ten million of them: a grid of settings, its networks side by side, and their table."""
