"""The machine and its operating system: streams, paths, files, processors, forks, floating-point modes."""
