"""What `ratios.py` measures, a module for each kind of promise."""
