"""Trino's SQL, checked against Trino's types said again in DuckDB's. Pure: text in, text out."""
