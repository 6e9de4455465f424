"""CREATE TABLE in Hive's DDL: columns, partitions, row formats, storage, location, properties."""

from millpond.services.athena.statements.formats import STORED_AS, storage_of
from millpond.services.athena.statements.model import Column, CreateTable
from millpond.services.athena.statements.refusal import StatementRefused
from millpond.services.athena.statements.tokens import Kind, Reader

_PRIMITIVES = {
    "boolean",
    "tinyint",
    "smallint",
    "int",
    "integer",
    "bigint",
    "double",
    "float",
    "string",
    "binary",
    "date",
    "timestamp",
}
_SIZED = {"char": 1, "varchar": 1, "decimal": 2}
TYPE_DEPTH_MAX = 50


def read_create_table(reader: Reader) -> CreateTable:
    """What follows CREATE [EXTERNAL] TABLE.

    Raises:
        StatementRefused: the text breaks the grammar, or asks for what Athena or we do not have.
    """
    if_not_exists = reader.maybe_words("IF", "NOT", "EXISTS")
    name = reader.qualified_name()
    columns = reader.listed(lambda: read_column(reader))
    clauses = _Clauses()
    while clauses.read(reader):
        pass
    reader.end()
    if clauses.location is None:
        raise StatementRefused(
            "FAILED: SemanticException table creation requires a LOCATION in Amazon S3."
        )
    _refuse_repeated([*columns, *clauses.partition_columns])
    return CreateTable(
        name=name,
        columns=columns,
        storage=storage_of(
            clauses.stored_as, clauses.classes, clauses.serde, clauses.serde_properties
        ),
        location=clauses.location,
        if_not_exists=if_not_exists,
        partition_columns=clauses.partition_columns,
        comment=clauses.comment,
        properties=clauses.properties,
    )


def read_column(reader: Reader) -> Column:
    """`name type [COMMENT 'text']`."""
    name = reader.name()
    reader.maybe_sign(":")
    column_type = read_type(reader)
    comment = reader.string() if reader.maybe_words("COMMENT") else None
    return Column(name, column_type, comment)


def read_type(reader: Reader, depth: int = 0) -> str:
    """A Hive type in its canonical text: `array<struct<a:int,b:decimal(10,2)>>`.

    Raises:
        StatementRefused: there is no such type, or it nests too deeply.
    """
    if depth > TYPE_DEPTH_MAX:
        raise StatementRefused(f"Types nest more than {TYPE_DEPTH_MAX} deep.")
    place = reader.refuse("<type>")
    name = reader.name()
    if name in _PRIMITIVES:
        return "int" if name == "integer" else name
    if name in _SIZED:
        return name + _read_sizes(reader, _SIZED[name])
    match name:
        case "array":
            reader.sign("<")
            inner = read_type(reader, depth + 1)
        case "map":
            reader.sign("<")
            key = read_type(reader, depth + 1)
            reader.sign(",")
            inner = f"{key},{read_type(reader, depth + 1)}"
        case "struct":
            reader.sign("<")
            inner = _read_fields(reader, depth)
        case _:
            raise place
    reader.sign(">")
    return f"{name}<{inner}>"


def _read_fields(reader: Reader, depth: int) -> str:
    fields: list[str] = []
    while True:
        name = reader.name()
        reader.sign(":")
        fields.append(f"{name}:{read_type(reader, depth + 1)}")
        if reader.maybe_words("COMMENT"):
            reader.string()
        if not reader.maybe_sign(","):
            return ",".join(fields)


def _read_sizes(reader: Reader, count_max: int) -> str:
    if not reader.maybe_sign("("):
        return ""
    sizes: list[str] = []
    while True:
        if reader.token.kind is not Kind.NUMBER or not reader.token.value.isdigit():
            raise reader.refuse("<integer>")
        sizes.append(reader.advance().value)
        if len(sizes) == count_max or not reader.maybe_sign(","):
            break
    reader.sign(")")
    return f"({','.join(sizes)})"


class _Clauses:
    """The clauses after the columns, in any order that Hive takes."""

    def __init__(self) -> None:
        self.comment: str | None = None
        self.partition_columns: list[Column] = []
        self.serde: str | None = None
        self.serde_properties: dict[str, str] = {}
        self.stored_as: str | None = None
        self.classes: tuple[str, str] | None = None
        self.location: str | None = None
        self.properties: dict[str, str] = {}

    def read(self, reader: Reader) -> bool:
        """Read one clause; False where none comes next."""
        if reader.maybe_words("COMMENT"):
            self.comment = reader.string()
        elif reader.maybe_words("PARTITIONED", "BY"):
            self.partition_columns = reader.listed(lambda: read_column(reader))
        elif reader.token.is_word("CLUSTERED"):
            raise StatementRefused("CLUSTERED BY (bucketed tables) is not supported.")
        elif reader.maybe_words("ROW", "FORMAT"):
            self._read_row_format(reader)
        elif reader.maybe_words("WITH", "SERDEPROPERTIES"):
            self.serde_properties |= reader.properties()
        elif reader.maybe_words("STORED", "AS"):
            self._read_stored_as(reader)
        elif reader.maybe_words("LOCATION"):
            self.location = reader.string()
        elif reader.maybe_words("TBLPROPERTIES"):
            self.properties = reader.properties()
        else:
            return False
        return True

    def _read_row_format(self, reader: Reader) -> None:
        if reader.maybe_words("SERDE"):
            self.serde = reader.string()
            return
        reader.words("DELIMITED")
        delimiters = self.serde_properties
        while True:
            if reader.maybe_words("FIELDS", "TERMINATED", "BY"):
                delimiters["field.delim"] = reader.string()
                delimiters.setdefault("serialization.format", delimiters["field.delim"])
                if reader.maybe_words("ESCAPED", "BY"):
                    delimiters["escape.delim"] = reader.string()
            elif reader.maybe_words("ESCAPED", "BY"):
                delimiters["escape.delim"] = reader.string()
            elif reader.maybe_words("COLLECTION", "ITEMS", "TERMINATED", "BY"):
                delimiters["colelction.delim"] = reader.string()
            elif reader.maybe_words("MAP", "KEYS", "TERMINATED", "BY"):
                delimiters["mapkey.delim"] = reader.string()
            elif reader.maybe_words("LINES", "TERMINATED", "BY"):
                delimiters["line.delim"] = reader.string()
            elif reader.maybe_words("NULL", "DEFINED", "AS"):
                delimiters["serialization.null.format"] = reader.string()
            else:
                return

    def _read_stored_as(self, reader: Reader) -> None:
        if reader.maybe_words("INPUTFORMAT"):
            input_format = reader.string()
            reader.words("OUTPUTFORMAT")
            self.classes = (input_format, reader.string())
        else:
            self.stored_as = reader.one_of(*STORED_AS)


def _refuse_repeated(columns: list[Column]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            raise StatementRefused(
                f"FAILED: SemanticException Duplicate column name {column.name} in the table "
                "definition."
            )
        seen.add(column.name)
