"""Sweeps: networks trained side by side over a grid of settings, and the table of their results."""
