"""SQL-1_0, the SQL of Kinesis Data Analytics, to plans."""

from millpond.engines.streams.interface import Program, Refused
from millpond.engines.streams.plan import Plan


def plan_kda(program: Program) -> Plan:
    """Plan a program of `SQL-1_0`.

    Raises:
        Refused: always: the language is not supported.
    """
    raise Refused("SQL of the runtime environment SQL-1_0 is not supported.")
