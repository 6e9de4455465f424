"""The connectors of tables that a program reads."""

from millpond.engines.streams.connectors.registry import Role, check_table
from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.planning.planner import Planner
from millpond.engines.streams.sql.planning.tables import DeclaredTable


def check_sources(planner: Planner) -> None:
    """Look whether tables that queries read can be read.

    Raises:
        Refused: one cannot, with the place of its CREATE TABLE.
    """
    for declared in planner.read.values():
        _check(declared, "source")
    for declared in planner.looked_up.values():
        _check(declared, "lookup")


def _check(declared: DeclaredTable, role: Role) -> None:
    at = declared.at
    try:
        check_table(declared.table, role, False)
    except Refused as refused:
        raise Refused(
            refused.text, at.line, at.column, needs_flink=refused.needs_flink
        ) from refused
