"""What every floor may use: time, ids, errors, calls, bodies, tasks. Standard library only."""
