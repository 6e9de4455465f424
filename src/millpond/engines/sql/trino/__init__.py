"""Trino's SQL, checked against Trino's types and written again for DuckDB. Pure: text in, text out."""
