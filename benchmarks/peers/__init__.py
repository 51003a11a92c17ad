"""The same job by fastnn and by its peers: see `__main__` for the commands, `roster` for who takes part."""
