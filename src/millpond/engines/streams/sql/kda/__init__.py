"""SQL-1_0, the SQL of Kinesis Data Analytics, to plans."""

from millpond.engines.streams.sql.kda.program import plan_kda

__all__ = ["plan_kda"]
