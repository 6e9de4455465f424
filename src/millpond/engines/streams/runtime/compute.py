"""DuckDB as operators compute with it: Arrow tables in, an Arrow table out.

Most of what a small query costs is not its work but its making: the same five expressions over 500
rows take 1.3 ms parsed, bound and planned anew, and 0.3 ms planned already. So a statement that
comes a second time is prepared. What it reads is a `_Slot`, an object that DuckDB asks for its rows
whenever the statement runs; so tables change while the plan stays. Statements over tables of the
same names and types share a `_Desk`: a connection of its own to the one database, where those names
are theirs.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from millpond.engines.streams.functions.faults import own_traceback
from millpond.engines.streams.functions.interface import Function
from millpond.engines.streams.operators.interface import RowFault
from millpond.engines.streams.plan import PythonFunction

_DESKS_MAX = 256
_STATEMENTS_MAX = 64
"""Of one desk; those used longest ago are forgotten."""
_SMALL_CHUNK_ROWS = 1024
_BATCH_ROWS = 1 << 20
_REASON_LENGTH_MAX = 2000
_SPILL_BYTES_MAX = 64 << 30
_DATA_ERRORS: Final = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
)


class DuckCompute:
    """See `operators.interface.Compute`. To be used from one thread at a time.

    `memory_bytes` bounds DuckDB's own memory; beyond it sorts, joins and aggregates spill into
    `spill_folder` (None: they fail). `threads` is how many work on one statement.
    """

    def __init__(
        self,
        memory_bytes: int = 256 << 20,
        threads: int = 1,
        spill_folder: Path | None = None,
        functions: Iterable[Function] = (),
    ) -> None:
        # The copy is smaller than the making of a relation, which does without it.
        warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")
        self._database = duckdb.connect(":memory:")
        self._desks: OrderedDict[tuple[str, ...], list[_Desk]] = OrderedDict()
        self._fault: BaseException | None = None
        self._faulty = ""
        # DuckDB's threads may call at once, and functions are written for one.
        self._one_call = threading.Lock()
        self.calling = ""
        """The Python function that runs now; empty when none does."""
        for function in functions:
            self._register(function)
        for statement in _settings(memory_bytes, threads, spill_folder):
            self._database.execute(statement)

    def run(self, sql: str, **tables: pa.Table) -> pa.Table:
        """See `operators.interface.Compute`.

        Raises:
            MemoryError: DuckDB's bound, or the process's, is reached.
        """
        self._fault = None
        try:
            return self._desk(tables).run(sql, tables)
        except duckdb.Error as error:
            raise self._explained(error) from None

    def close(self) -> None:
        """Let go of everything."""
        for desks in self._desks.values():
            for desk in desks:
                desk.close()
        self._desks.clear()
        self._database.close()

    def _desk(self, tables: dict[str, pa.Table]) -> _Desk:
        names = tuple(tables)
        desks = self._desks.setdefault(names, [])
        for desk in desks:
            if desk.fits(tables):
                return desk
        if sum(map(len, self._desks.values())) >= _DESKS_MAX:
            for desk in self._desks.popitem(last=False)[1]:
                desk.close()
            desks = self._desks.setdefault(names, [])
        desks.append(_Desk(self._database.cursor(), tables))
        return desks[-1]

    def _register(self, function: Function) -> None:
        called = PythonFunction(function.name, "", "").called[1:-1].replace('""', '"')
        self._database.create_function(
            called,
            self._guarded(function),
            None,
            duckdb.sqltype(function.result.duckdb()),
            type="arrow",
            null_handling="special",
            side_effects=not function.is_deterministic,
        )

    def _guarded(self, function: Function) -> Callable[..., pa.Array[Any]]:
        """The function as DuckDB calls it, which keeps what it raises for `run` to tell."""

        def call(*columns: Any) -> Any:
            with self._one_call:
                self.calling = function.name
                try:
                    rows = len(columns[0])
                    return function.call([_array(one) for one in _arguments(columns)], rows)
                except BaseException as error:
                    self._fault, self._faulty = error, function.name
                    raise
                finally:
                    self.calling = ""

        return call

    def _explained(self, error: duckdb.Error) -> Exception:
        fault, self._fault = self._fault, None
        if isinstance(error, duckdb.OutOfMemoryException):
            return MemoryError(_first_line(error))
        if isinstance(fault, MemoryError):
            return MemoryError(f"The function {self._faulty} ran out of memory.")
        if fault is not None:
            return RowFault(f"The function {self._faulty} raised {own_traceback(fault)}")
        # TRY takes no volatile function: who asks finds the rows that fail in another way.
        if isinstance(error, _DATA_ERRORS) or "TRY can not be used" in str(error):
            return RowFault(_first_line(error))
        failure: Exception = error
        return failure


class _Slot:
    """A table's place: what DuckDB reads whenever a statement over it runs."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.table: pa.Table = schema.empty_table()

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]


class _Desk:
    """Statements over tables of certain names and types."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: dict[str, pa.Table]) -> None:
        self._connection = connection
        self._slots = {name: _Slot(table.schema) for name, table in tables.items()}
        self._statements: OrderedDict[str, str | None] = OrderedDict()
        self._made = 0
        for name, slot in self._slots.items():
            connection.register(name, slot)

    def fits(self, tables: dict[str, pa.Table]) -> bool:
        return all(slot.schema.equals(tables[name].schema) for name, slot in self._slots.items())

    def run(self, sql: str, tables: dict[str, pa.Table]) -> pa.Table:
        with self._laid_out(tables):
            result = self._connection.execute(self._statement(sql))
            answer: pa.Table = result.to_arrow_reader(_BATCH_ROWS).read_all()
            return answer

    @contextlib.contextmanager
    def _laid_out(self, tables: dict[str, pa.Table]) -> Iterator[None]:
        """The tables in their slots, for now."""
        try:
            for name, slot in self._slots.items():
                slot.table = _in_few_chunks(tables[name])
            yield
        finally:
            for slot in self._slots.values():
                slot.table = slot.schema.empty_table()

    def _statement(self, sql: str) -> str:
        """What to execute for `sql`: itself the first time, what is prepared after that."""
        if sql not in self._statements:
            if len(self._statements) >= _STATEMENTS_MAX:
                _, oldest = self._statements.popitem(last=False)
                if oldest is not None:
                    self._connection.execute(oldest.replace("EXECUTE", "DEALLOCATE"))
            self._statements[sql] = None
            return sql
        self._statements.move_to_end(sql)
        prepared = self._statements[sql]
        if prepared is None:
            self._made += 1
            self._connection.execute(f"PREPARE p{self._made} AS {sql}")
            prepared = self._statements[sql] = f"EXECUTE p{self._made}"
        return prepared

    def close(self) -> None:
        self._connection.close()


def _settings(memory_bytes: int, threads: int, spill_folder: Path | None) -> Iterator[str]:
    folder = "" if spill_folder is None else str(spill_folder).replace("'", "''")
    yield "SET python_enable_replacements = false"
    yield f"SET memory_limit = '{memory_bytes}B'"
    yield f"SET threads = {threads}"
    yield f"SET temp_directory = '{folder}'"
    if spill_folder is not None:
        free_bytes = shutil.disk_usage(spill_folder).free
        yield f"SET max_temp_directory_size = '{min(_SPILL_BYTES_MAX, free_bytes // 2)}B'"
    yield "SET GLOBAL TimeZone = 'UTC'"
    yield "SET GLOBAL Calendar = 'gregorian'"
    yield "SET GLOBAL default_null_order = 'NULLS_FIRST_ON_ASC_LAST_ON_DESC'"
    yield "SET GLOBAL integer_division = false"
    yield "SET GLOBAL error_on_division_by_zero = true"
    yield "SET GLOBAL ieee_floating_point_ops = true"
    yield "SET GLOBAL max_expression_depth = 3000"
    yield "SET preserve_insertion_order = true"
    yield "SET autoinstall_known_extensions = false"
    yield "SET autoload_known_extensions = false"
    yield "SET allow_community_extensions = false"
    yield "SET allow_persistent_secrets = false"
    yield "SET enable_external_access = false"
    yield "SET lock_configuration = true"


def _arguments(columns: Sequence[pa.ChunkedArray[Any]]) -> Sequence[pa.ChunkedArray[Any]]:
    """What a call passes; nothing for `plan.NO_ARGUMENTS`."""
    kind = columns[0].type
    is_nothing = pa.types.is_struct(kind) and kind.num_fields == 1 and kind[0].name == "$none"
    return () if is_nothing else columns


def _array(column: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    chunks: list[pa.Array[Any]] = column.chunks
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)


def _in_few_chunks(table: pa.Table) -> pa.Table:
    """The table, put together where it comes in crumbs: each chunk is a vector of its own."""
    chunks = table.column(0).num_chunks if table.num_columns else 0
    return table.combine_chunks() if chunks > 1 + table.num_rows // _SMALL_CHUNK_ROWS else table


def _first_line(error: Exception) -> str:
    """DuckDB's message without its family's name, the place in a statement that is ours, and its
    advice, which is for DuckDB's SQL."""
    line = str(error).strip().split("\n", 1)[0].split(". Use TRY(", 1)[0]
    return line.split(" Error: ", 1)[-1][:_REASON_LENGTH_MAX]
