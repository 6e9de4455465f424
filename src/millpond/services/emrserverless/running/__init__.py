"""Applications and job runs at work: clusters, drivers, logs; what happens goes into records."""
