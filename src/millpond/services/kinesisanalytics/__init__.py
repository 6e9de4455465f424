"""Kinesis Data Analytics for SQL, version 1 of its API: the same applications, as SQL alone."""
