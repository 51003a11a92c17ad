"""The benchmarks of fastnn, collected by asv; see ../README.md."""
