"""What a training step computes: no arrays, no machine, no language."""
