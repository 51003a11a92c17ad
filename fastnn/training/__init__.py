"""The training of networks: their starts, their rows, all epochs, and the results."""
