"""Networks through all epochs: their starts, their rows, and what came of them."""
