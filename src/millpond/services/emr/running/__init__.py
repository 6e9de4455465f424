"""Running clusters: the engine, the processes, the logs; what happens goes into the records."""
