"""Jobs and their runs: what is defined, what is started, and what is known when it has ended."""
