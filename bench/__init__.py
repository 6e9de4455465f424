"""Side-by-side benchmarks: Millpond and a peer in one run, as ratios. `make bench`."""
