"""Trained networks out: files of our own, and the layers of other libraries."""
