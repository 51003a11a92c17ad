"""The speed of light: the least time in which a processor can do the arithmetic of a training step."""
