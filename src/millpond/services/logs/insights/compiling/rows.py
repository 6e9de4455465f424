"""What flows from one command to the next: rows of SQL, and what their fields are called."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from millpond.services.logs.insights.compiling.values import Kind, Value, json_path, quoted
from millpond.services.logs.insights.compiling.well_known import well_known

EVENTS = "events"
COLUMNS = ("timestamp", "position", "message", "ingested", "stream", "name", "grp")
"""What a row of the table of events has, beside what only tests and sums are made of."""
_POINTER = (
    "to_base64(to_utf8(r.grp || chr(10) || r.name || chr(10) || r.stream || chr(10)"
    ' || CAST(r."position" AS varchar)))'
)
SYSTEM = {
    "@timestamp": Value('r."timestamp"', Kind.TIME),
    "@ingestionTime": Value("r.ingested", Kind.TIME),
    "@message": Value("r.message", Kind.TEXT),
    "@logStream": Value("r.name", Kind.TEXT),
    "@log": Value("r.grp", Kind.TEXT),
    "@ptr": Value(_POINTER, Kind.TEXT),
}
MISSING = Value("CAST(NULL AS varchar)", Kind.TEXT)


@dataclass(frozen=True, slots=True)
class Rows:
    """`source` is what stands in FROM, called `r` in all expressions. `is_raw`: rows are events, in
    which fields are discovered. `shown` are the fields named by `fields` and `parse`."""

    source: str
    names: dict[str, Value] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None
    shown: tuple[str, ...] = ()
    displayed: tuple[str, ...] | None = None
    is_raw: bool = True
    matched: str | None = None
    """The SQL that counts the events that match, where one has been fixed."""
    made: int = 0
    """How many columns were added, to name the next."""

    def find(self, path: Sequence[str | int]) -> Value:
        """What a field is: one that was named, a member of one, or one of the event itself."""
        for size in range(len(path), 0, -1):
            known = self.names.get(".".join(map(str, path[:size])))
            if known is not None and size == len(path):
                return known
            if known is not None and known.kind is Kind.JSON:
                return replace(known, path=(*known.path, *path[size:]))
        if not self.is_raw:
            return MISSING
        name = ".".join(map(str, path))
        if name in SYSTEM:
            return SYSTEM[name]
        found = Value("r.message", Kind.JSON, tuple(path))
        known_sql = well_known(name, "r.message")
        if known_sql is None:
            return found
        shown = f'"$json_shown"(r.message, {quoted(json_path(path))})'
        return Value(f"coalesce({shown}, {known_sql})", Kind.TEXT)

    def name(self, name: str, value: Value) -> "Rows":
        return replace(self, names={**self.names, name: value})

    def keep(self, test: str) -> "Rows":
        """The rows for which a test holds."""
        rows = self.settle() if self.limit is not None else self
        return replace(rows, tests=(*rows.tests, test))

    @property
    def orderly(self) -> tuple[str, ...]:
        """By what rows come: as was asked, else the newest events first."""
        if self.order or not self.is_raw:
            return self.order
        return ('r."timestamp" DESC', 'r."position" DESC')

    def settle(self, extra: str = "", join: str = "") -> "Rows":
        """The same rows as a query of their own, with an `extra` column (named `x` and a number)
        and joined to more."""
        column, made = "", self.made
        if extra:
            column, made = f", {extra} AS x{made}", made + 1
        body = f"SELECT r.*{column} FROM {self.source} r{join}{self.where}"
        if self.limit is not None:
            body += f"{self.ordering} LIMIT {self.limit}"
        return replace(self, source=f"({body})", tests=(), limit=None, made=made)

    @property
    def added(self) -> str:
        """The column that `settle` added last."""
        return f"r.x{self.made - 1}"

    @property
    def where(self) -> str:
        return f" WHERE {' AND '.join(self.tests)}" if self.tests else ""

    @property
    def ordering(self) -> str:
        return f" ORDER BY {', '.join(self.orderly)}" if self.orderly else ""

    def counted(self) -> "Rows":
        """Fix how many events match, before rows are left out for other reasons."""
        if self.matched is not None:
            return self
        return replace(self, matched=f"SELECT count(*) AS c FROM {self.source} r{self.where}")
