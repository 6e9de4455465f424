"""CREATE TABLE."""

from millpond.engines.streams.sql.statements.cursor import Cursor
from millpond.engines.streams.sql.statements.model import (
    ComputedColumn,
    CreateTable,
    DeclaredColumn,
    MetadataColumn,
    PhysicalColumn,
    Watermark,
)
from millpond.engines.streams.sql.typed import Position

_AFTER_TYPE = ("COMMENT", "METADATA", "PRIMARY", "CONSTRAINT", "UNIQUE")


class _Body:
    """What stands between the brackets."""

    def __init__(self, cursor: Cursor):
        self.cursor = cursor
        self.columns: list[DeclaredColumn] = []
        self.watermark: Watermark | None = None
        self.primary_key: tuple[str, ...] = ()

    def element(self) -> None:
        cursor = self.cursor
        at = cursor.at
        if cursor.at_words("WATERMARK", "FOR"):
            if self.watermark:
                cursor.refuse("Multiple WATERMARK statements is not supported yet.")
            cursor.expect("WATERMARK", "FOR")
            column = ".".join(cursor.name())
            cursor.expect("AS")
            self.watermark = Watermark(column, cursor.until(",", ")"), at)
            return
        if cursor.accept("CONSTRAINT"):
            cursor.identifier()
        if cursor.at_words("PRIMARY", "KEY") or cursor.at_words("UNIQUE"):
            self._primary_key(at, None)
            return
        self._column(at)

    def _primary_key(self, at: Position, column: str | None) -> None:
        cursor = self.cursor
        if self.primary_key:
            cursor.refuse("Duplicate primary key definition", at=at)
        if cursor.accept("UNIQUE"):
            cursor.refuse("UNIQUE constraint is not supported yet", at=at)
        cursor.expect("PRIMARY", "KEY")
        names = (column,) if column else tuple(cursor.listed(cursor.identifier))
        if not cursor.accept("NOT", "ENFORCED"):
            self._enforced(at)
        self.primary_key = names

    def _enforced(self, at: Position) -> None:
        self.cursor.refuse(
            "Flink doesn't support ENFORCED mode for PRIMARY KEY constraint. ENFORCED/NOT ENFORCED "
            "controls if the constraint checks are performed on the incoming/outgoing data. Flink "
            "does not own the data therefore the only supported mode is the NOT ENFORCED mode",
            at=at,
        )

    def _column(self, at: Position) -> None:
        cursor = self.cursor
        name = cursor.identifier()
        if any(column.name == name for column in self.columns):
            cursor.refuse(f"A column named '{name}' already exists in the base table.", at=at)
        if cursor.accept("AS"):
            expression = cursor.until(",", ")", stops=("COMMENT",))
            self.columns.append(ComputedColumn(name, expression, at))
        else:
            kind = cursor.until(",", ")", stops=_AFTER_TYPE, brackets="()[]<>")
            if cursor.accept("METADATA"):
                key = cursor.string() if cursor.accept("FROM") else name
                virtual = cursor.accept("VIRTUAL")
                self.columns.append(MetadataColumn(name, kind, key, virtual, at))
            else:
                self.columns.append(PhysicalColumn(name, kind, at))
                if cursor.accept("CONSTRAINT"):
                    cursor.identifier()
                if cursor.at_words("PRIMARY") or cursor.at_words("UNIQUE"):
                    self._primary_key(at, name)
        if cursor.accept("COMMENT"):
            cursor.string()


def create_table(cursor: Cursor, at: Position, temporary: bool) -> CreateTable:
    """What follows `CREATE [TEMPORARY] TABLE`."""
    unless_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.name()
    body = _Body(cursor)
    if cursor.at_words("AS"):
        cursor.refuse(
            "CREATE TABLE AS is not supported; declare the table and INSERT INTO it.",
            needs_flink=True,
        )
    if cursor.accept_symbol("("):
        while True:
            body.element()
            if not cursor.accept_symbol(","):
                break
        cursor.expect_symbol(")")
    if cursor.accept("COMMENT"):
        cursor.string()
    if cursor.at_words("DISTRIBUTED"):
        cursor.refuse("DISTRIBUTED BY is not supported.", needs_flink=True)
    partitioned: list[str] = []
    if cursor.accept("PARTITIONED", "BY"):
        partitioned = cursor.listed(cursor.identifier)
    options = with_options(cursor) if cursor.accept("WITH") else ()
    like = None
    if cursor.accept("LIKE"):
        like = cursor.name()
        if not cursor.done:
            cursor.refuse("Options of LIKE are not supported.", needs_flink=True)
    if cursor.at_words("AS"):
        cursor.refuse(
            "CREATE TABLE AS is not supported; declare the table and INSERT INTO it.",
            needs_flink=True,
        )
    cursor.expect_end()
    return CreateTable(
        at,
        name,
        tuple(body.columns),
        body.watermark,
        body.primary_key,
        tuple(partitioned),
        options,
        unless_exists,
        temporary,
        like,
    )


def with_options(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    """`('key' = 'value', …)`"""
    seen: dict[str, str] = {}

    def option() -> None:
        at = cursor.at
        key = cursor.string()
        cursor.expect_symbol("=")
        if key in seen:
            cursor.refuse(f"The option '{key}' is given twice.", at=at)
        seen[key] = cursor.string()

    cursor.listed(option)
    return tuple(seen.items())
