"""What the machine and its system bring: streams, paths, processors, forks, modes."""
