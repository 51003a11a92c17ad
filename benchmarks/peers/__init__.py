"""The same job by fastnn and by its peers: `__main__` has the commands, `roster` the list of peers."""
