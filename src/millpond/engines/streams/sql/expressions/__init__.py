"""Flink's expressions in DuckDB's SQL."""

from millpond.engines.streams.sql.expressions.translate import field_of, translate

__all__ = ["field_of", "translate"]
