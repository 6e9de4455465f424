"""Planning programs without running them, one after another."""

from collections.abc import Mapping
from pathlib import Path

from millpond.engines.streams import plan as plans
from millpond.engines.streams.functions.faults import FunctionFault
from millpond.engines.streams.functions.loading import add_folders
from millpond.engines.streams.interface import Access, Program, Refused
from millpond.engines.streams.runtime.channel import Channel
from millpond.engines.streams.runtime.protocol import (
    Check,
    Checked,
    Failed,
    FromProcess,
    ProgramText,
    Wrong,
)
from millpond.engines.streams.sql.explain import explain
from millpond.engines.streams.sql.planning.catalog import LookUp
from millpond.engines.streams.sql.program import plan_program


class CatalogNeeded(Exception):
    """A table has to be looked up in a catalog, and this process has no way to one."""


def check_programs(channel: Channel) -> None:
    """Answer each `Check` that comes, to the end of input."""
    while isinstance(order := channel.hear(), Check):
        channel.tell(_answer(order))


def plan_text(program: ProgramText, look_up: LookUp) -> plans.Plan:
    """The plan of a program whose functions can be imported from now on.

    Raises:
        Refused: it is wrong.
    """
    add_folders(*map(Path, program.folders))
    try:
        return plan_program(
            Program(
                program.language,
                program.sql,
                Path(program.folders[0]) if program.folders else None,
                program.tables,
                program.settings,
            ),
            look_up,
        )
    except FunctionFault as error:
        raise Refused(str(error)) from error
    except RecursionError as error:
        raise Refused("The program is nested too deeply.") from error


def looking_up(access: Access | None) -> LookUp:
    """Asks catalogs with this access; without, raises `CatalogNeeded` where one is asked."""

    def look_up(options: Mapping[str, str], database: str, name: str) -> plans.Table | None:
        if access is None:
            raise CatalogNeeded(f"{database}.{name}")
        # Catalogs' clients take long to load, and few programs use one.
        from millpond.engines.streams.connectors.catalog import look_up_with  # noqa: PLC0415

        found: plans.Table | None = look_up_with(access)(options, database, name)
        return found

    return look_up


def wrong(refused: Refused) -> Wrong:
    """A refusal as the process tells it."""
    return Wrong(refused.text, refused.line, refused.column, refused.needs_flink)


def _answer(order: Check) -> FromProcess:
    try:
        plan = plan_text(order.program, looking_up(order.access))
    except Refused as refused:
        return wrong(refused)
    except CatalogNeeded:
        return Failed("A catalog has to be asked.", needs_access=True)
    except MemoryError:
        return Wrong(
            "The program cannot be planned: importing its Python files takes too much memory."
        )
    nodes = list(plan.nodes())
    return Checked(
        explain(plan),
        [node.table.name for node in nodes if isinstance(node, plans.Source)],
        [node.table.name for node in nodes if isinstance(node, plans.Sink)],
    )
