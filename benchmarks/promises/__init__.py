"""The measurements of `ratios.py`: a module for each kind of promise."""
