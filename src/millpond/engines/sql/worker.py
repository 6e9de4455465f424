"""The process in which queries run: `python -m millpond.engines.sql.worker`.

It is started in a folder of its own with `in` (files that are handed to it; it cannot write there),
`out` (its answers) and `tmp`, and speaks `messages` over its standard streams. Each query gets a
session of its own. The engine sees to the sandbox around it and to its end.
"""

import contextlib
import errno
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import duckdb
import msgspec

from millpond.engines.sql import messages
from millpond.engines.sql.failures import statement_error
from millpond.engines.sql.interface import (
    Column,
    Condition,
    JsonLines,
    Partition,
    TableName,
    TableOutput,
)
from millpond.engines.sql.outputs import table_query, text_query, write_table, write_text
from millpond.engines.sql.scans import ScanFiles, Scans, matching_partitions
from millpond.engines.sql.session import Functions, open_session
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.parse import too_deep
from millpond.engines.sql.trino.scope import Missing, Scan, Table, View
from millpond.engines.sql.trino.statement import (
    Plan,
    Session,
    compile_statement,
    names_of,
)
from millpond.engines.sql.trino.types import BIGINT, VARCHAR, Type, parse_type

_HIDDEN: tuple[tuple[str, Type], ...] = (("$path", VARCHAR), ("$file_size", BIGINT))
RECURSION_LIMIT = 10_000
_STACK_SIZE_BYTES = 256 << 20

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one query may use."""

    memory_bytes: int
    threads: int
    temporary_bytes: int


class Worker:
    """Serves queries one after the other until its input ends."""

    def __init__(self, folder: Path, source: BinaryIO, target: BinaryIO, bounds: Bounds) -> None:
        self._folder = folder
        self._source = source
        self._target = target
        self._bounds = bounds
        self._incoming: queue.SimpleQueue[messages.ToWorker | None] = queue.SimpleQueue()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def serve(self) -> None:
        threading.stack_size(0)
        threading.Thread(target=self._listen, daemon=True).start()
        self._prepare()
        while (message := self._incoming.get()) is not None:
            if isinstance(message, messages.Run):
                self._answer(message)
                self._prepare()

    def _listen(self) -> None:
        """Read what the engine says; when it is gone, end at once, whatever is running."""
        while (message := self._read()) is not None:
            self._incoming.put(message)
        os._exit(0)

    def _read(self) -> messages.ToWorker | None:
        head = self._source.read(4)
        if len(head) < 4:
            return None
        size = int.from_bytes(head, "big")
        data = self._source.read(size)
        return messages.decode_to_worker(data) if len(data) == size else None

    def _say(self, message: messages.FromWorker) -> None:
        self._target.write(messages.frame(message))
        self._target.flush()

    def _ask(self, message: messages.FromWorker, kind: type[Answer]) -> Answer:
        self._say(message)
        answer = self._incoming.get()
        assert isinstance(answer, kind)
        return answer

    def _prepare(self) -> None:
        """A fresh session, ready before the next query comes."""
        if self._connection is not None:
            self._connection.close()
        for path in (self._folder / "tmp").iterdir():
            _remove(path)
        self._connection = open_session(
            memory_bytes=self._bounds.memory_bytes,
            threads=self._bounds.threads,
            temporary=self._folder / "tmp",
            temporary_bytes=self._bounds.temporary_bytes,
            folders=tuple(self._folder / name for name in ("in", "out", "tmp")),
        )

    def _answer(self, run: messages.Run) -> None:
        try:
            try:
                answer: messages.FromWorker = self._run(run)
            except duckdb.Error as error:
                answer = self._failure(error)
            except RecursionError:
                raise too_deep() from None
        except StatementError as error:
            answer = messages.Failed("refused", error.name, str(error))
        except _LimitExceeded as error:
            answer = messages.Failed("limit", scanned_bytes=error.scanned_bytes)
        except MemoryError:
            answer = messages.Failed(
                "refused",
                "EXCEEDED_LOCAL_MEMORY_LIMIT",
                "EXCEEDED_LOCAL_MEMORY_LIMIT: Query exhausted resources at this scale factor",
            )
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                answer = messages.Failed("full", text=str(error))
            else:
                traceback.print_exc()
                answer = messages.Failed("broken", text="The SQL engine failed by its own error.")
        self._say(answer)

    def _failure(self, error: duckdb.Error) -> messages.FromWorker:
        if isinstance(error, duckdb.IOException) and "No space left" in str(error):
            return messages.Failed("full", text=str(error).splitlines()[0])
        if isinstance(error, duckdb.FatalException | duckdb.InternalException):
            return messages.Failed("broken", text=str(error)[:2000])
        refused = statement_error(error)
        return messages.Failed("refused", refused.name, str(refused))

    # One query

    def _run(self, run: messages.Run) -> messages.Done:
        began = time.monotonic()
        assert self._connection is not None
        plan, tables = self._plan(run)
        columns = [Column(name, str(kind)) for name, kind in plan.columns]
        if run.action == "describe":
            return messages.Done(columns)
        files = [self._files(scan, tables[scan.table]) for scan in plan.scans]
        scans = Scans(
            self._connection, self._folder / "in", self._folder / "tmp", self._bounds.threads
        )
        functions = Functions(self._connection)
        query = self._query(run, plan)
        functions.provide(query)
        if any(isinstance(file.format, JsonLines) for one in files for file in one.files):
            functions.provide("p_lower_keys")
        scanned = sum(scans.provide(one).scanned_bytes for one in files)
        if run.scanned_bytes_max is not None and scanned > run.scanned_bytes_max:
            raise _LimitExceeded(scanned)
        if run.action == "explain":
            return messages.Done(columns, text=self._explain(plan))
        planned = time.monotonic()
        rows, written = self._write(run, plan, scans, files)
        ended = time.monotonic()
        return messages.Done(
            columns,
            rows=rows,
            files=written,
            scanned_bytes=scanned,
            input_rows=self._rows_scanned(),
            planning_ms=round((planned - began) * 1000),
            running_ms=round((ended - planned) * 1000),
        )

    def _query(self, run: messages.Run, plan: Plan) -> str:
        if isinstance(run.output, TableOutput):
            return table_query(plan.sql, plan.columns, run.output)[0]
        return text_query(plan.sql, plan.columns)

    def _write(
        self, run: messages.Run, plan: Plan, scans: Scans, files: Sequence[ScanFiles]
    ) -> tuple[int, list[messages.WrittenFile]]:
        """Run and write; text that DuckDB cannot read as it is is made ready and read again."""
        try:
            return self._write_once(run, plan)
        except duckdb.InvalidInputException as error:
            if "CSV" not in str(error):
                raise
        for path in (self._folder / "out").iterdir():
            _remove(path)
        for one in files:
            scans.provide(one, transcode=True)
        return self._write_once(run, plan)

    def _write_once(self, run: messages.Run, plan: Plan) -> tuple[int, list[messages.WrittenFile]]:
        assert self._connection is not None
        out = self._folder / "out"
        if isinstance(run.output, TableOutput):
            return write_table(self._connection, plan.sql, plan.columns, run.output, out)
        return write_text(self._connection, plan.sql, plan.columns, out)

    def _explain(self, plan: Plan) -> str:
        assert self._connection is not None
        rows = self._connection.execute(f"EXPLAIN {plan.sql}").fetchall()
        return "\n".join(text for _, text in rows)

    def _rows_scanned(self) -> int:
        assert self._connection is not None
        with contextlib.suppress(duckdb.Error, msgspec.DecodeError):
            profile = self._connection.get_profiling_information(format="json")
            return sum(_rows_in(msgspec.json.decode(profile)))
        return 0

    # What the catalog knows

    def _plan(self, run: messages.Run) -> tuple[Plan, list["_Known"]]:
        session = Session(run.catalog, run.schema, run.user, run.now_ms * 1000)
        found: dict[tuple[str, str, str], Table | View | Missing] = {}
        tables: list[_Known] = []
        waiting = names_of(run.sql, session)
        while waiting:
            names = [TableName(*name) for name in waiting]
            asked = [hidden_of(name) or name for name in names]
            answers = self._ask(messages.Find(asked), messages.Found).answers
            waiting = []
            for name, answer in zip(names, answers, strict=True):
                key = (name.catalog, name.schema, name.table)
                hidden = hidden_of(name)
                match answer:
                    case messages.FoundTable(table) if hidden and table.partition_columns:
                        keys = _typed(table.partition_columns)
                        found[key] = Table(key, len(tables), keys)
                        tables.append(_Known(hidden, keys, keys, of_partitions=True))
                    case _ if hidden:
                        found[key] = Missing("table")
                    case messages.FoundTable(table):
                        known = _Known(name, _typed(table.columns), _typed(table.partition_columns))
                        found[key] = Table(key, len(tables), known.columns, known.partition_columns)
                        tables.append(known)
                    case messages.FoundView(view):
                        inner = Session(view.catalog, view.schema, run.user)
                        found[key] = View(
                            key, view.sql, view.catalog, view.schema, _typed(view.columns)
                        )
                        waiting += _inner_names(view.sql, inner)
                    case messages.FoundNothing(missing):
                        found[key] = Missing("schema" if missing.schema else "table")
            waiting = [name for name in dict.fromkeys(waiting) if name not in found]
        return compile_statement(run.sql, session, found, run.parameters), tables

    def _files(self, scan: Scan, known: "_Known") -> ScanFiles:
        conditions = [Condition(one.column, one.operator, one.values) for one in scan.conditions]
        partitions: Sequence[Partition] = self._ask(
            messages.List(known.name, conditions), messages.Listed
        ).partitions
        assert self._connection is not None
        if known.of_partitions:
            values = [one.values for one in partitions]
            return ScanFiles(
                scan.relation, (), (), known.partition_columns, (), values, (), of_partitions=True
            )
        if known.partition_columns:
            chosen = matching_partitions(
                self._connection,
                known.partition_columns,
                [one.values for one in partitions],
                scan.filters,
            )
            partitions = [partitions[place] for place in chosen]
        fetched = self._ask(messages.Fetch(known.name, partitions, scan.relation), messages.Fetched)
        return ScanFiles(
            scan.relation,
            known.columns,
            [one for one in known.columns if one[0] in scan.columns],
            known.partition_columns,
            [one for one in (*known.partition_columns, *_HIDDEN) if one[0] in scan.columns],
            [one.values for one in partitions],
            fetched.files,
        )


_PARTITIONS = "$partitions"


def hidden_of(name: TableName) -> TableName | None:
    """The table whose partitions `"table$partitions"` lists; None for other names."""
    if not name.table.endswith(_PARTITIONS):
        return None
    return TableName(name.catalog, name.schema, name.table.removesuffix(_PARTITIONS))


def _inner_names(sql: str, session: Session) -> list[tuple[str, str, str]]:
    """The names in a view's text; a text that cannot be read is told of when it is compiled."""
    try:
        return names_of(sql, session)
    except StatementError:
        return []


@dataclass(frozen=True, slots=True)
class _Known:
    name: TableName
    columns: tuple[tuple[str, Type], ...]
    partition_columns: tuple[tuple[str, Type], ...]
    of_partitions: bool = False


class _LimitExceeded(Exception):
    def __init__(self, scanned_bytes: int) -> None:
        super().__init__()
        self.scanned_bytes = scanned_bytes


def _typed(columns: Sequence[Column]) -> tuple[tuple[str, Type], ...]:
    return tuple((one.name.lower(), parse_type(one.type)) for one in columns)


def _rows_in(node: object) -> Iterator[int]:
    """The rows that each scan of files in a profile has read."""
    if isinstance(node, dict):
        rows, details = node.get("rows_scanned"), node.get("extra_info")
        if isinstance(rows, int) and isinstance(details, dict) and "Filename(s)" in details:
            yield rows
        for inner in node.values():
            yield from _rows_in(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _rows_in(inner)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> None:
    memory_bytes, threads, temporary_bytes = map(int, arguments)
    sys.setrecursionlimit(RECURSION_LIMIT)
    threading.stack_size(_STACK_SIZE_BYTES)
    worker = Worker(
        Path.cwd(),
        sys.stdin.buffer,
        sys.stdout.buffer,
        Bounds(memory_bytes, threads, temporary_bytes),
    )
    serving = threading.Thread(target=worker.serve)
    serving.start()
    serving.join()


if __name__ == "__main__":
    main(sys.argv[1:])
