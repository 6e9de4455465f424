"""Constant spans of time in queries and settings, in milliseconds."""

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql import intervals
from millpond.engines.streams.sql.dialect import position_of


def interval_ms(node: exp.Expr) -> int:
    """The length of an INTERVAL of days to seconds.

    Raises:
        Refused: it is none, or one of months or years, or not of whole milliseconds.
    """
    if not isinstance(node, exp.Interval):
        at = position_of(node)
        raise Refused("An INTERVAL literal is expected here", at.line, at.column)
    return intervals.interval_ms(node)
