"""Constant spans of time in queries, in milliseconds."""

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.intervals import read_interval


def interval_ms(node: exp.Expr) -> int:
    """The length of an INTERVAL of days to seconds.

    Raises:
        Refused: it is none, or one of months or years, or not of whole milliseconds.
    """
    at = position_of(node)
    if not isinstance(node, exp.Interval):
        raise Refused("An INTERVAL literal is expected here", at.line, at.column)
    months, micros = read_interval(node)
    if months or micros % 1000:
        raise Refused(
            "An INTERVAL here is of days to seconds, in whole milliseconds", at.line, at.column
        )
    return micros // 1000
