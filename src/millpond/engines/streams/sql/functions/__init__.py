"""Flink's functions: which are supported, and what each is in DuckDB's SQL."""
