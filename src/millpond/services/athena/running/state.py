"""What a running statement works with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from millpond.engines.sql.interface import Outcome, Query
from millpond.services.athena.ddl.catalog import Catalog
from millpond.services.athena.lake import Lake
from millpond.services.athena.model.executions import Execution
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.catalogs import CATALOG
from millpond.services.athena.running.results import Folder

Saver = Callable[[Execution], Awaitable[bool]]
"""Writes an execution down; False where it has ended already or is gone."""


@dataclass(slots=True)
class Run:
    """`execution` is what is known of the execution so far; `save` writes it down. `parameters`
    are SQL expressions for the statement's `?`s."""

    needs: Needs
    catalog: Catalog
    execution: Execution
    save: Saver
    parameters: Sequence[str] = ()

    @property
    def folder(self) -> Folder:
        owner = self.execution.results.expected_bucket_owner
        return Folder(self.needs, self.catalog.call, owner)

    def query(self, sql: str) -> Query:
        """A query of this execution for the SQL engine."""
        return Query(
            sql=sql,
            catalog=CATALOG.lower(),
            schema=self.catalog.database,
            user=self.catalog.call.principal.user_id,
            now_ms=self.execution.submitted_ms,
            parameters=self.parameters,
            scanned_bytes_max=self.execution.cutoff_bytes,
        )

    def lake(self) -> Lake:
        return Lake(self.catalog)

    def note(self, **changed: Any) -> None:
        """Keep what is known now; it is written down with the next `save`."""
        self.execution = msgspec.structs.replace(self.execution, **changed)

    def note_outcome(self, outcome: Outcome) -> None:
        """Keep what the engine counted and measured."""
        started = self.execution.started_ms or self.execution.submitted_ms
        self.note(
            planned_ms=started + outcome.planning_ms,
            executed_ms=started + outcome.planning_ms + outcome.running_ms,
            scanned_bytes=outcome.scanned_bytes,
            input_rows=outcome.input_rows,
            output_rows=outcome.rows,
            output_bytes=sum(file.size_bytes for file in outcome.files),
        )
