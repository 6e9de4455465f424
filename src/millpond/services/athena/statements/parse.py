"""A query string to the statement that it is.

What begins as a query is left to the SQL engine, which knows Trino's grammar; everything else is
read here. Source: Athena User Guide, "DDL statements" and "DML queries, functions, and operators".
"""

import re
from collections.abc import Callable, Mapping, Sequence

from millpond.services.athena.statements import model
from millpond.services.athena.statements.refusal import StatementRefused
from millpond.services.athena.statements.tables import read_column, read_create_table
from millpond.services.athena.statements.tokens import Kind, Reader

_HIVE_START = re.compile(
    r"(?:\s++|--[^\n]*+\n|/\*.*?\*/)*+"
    r"(?:ALTER|MSCK|DESC|DROP|SHOW|CREATE\s+(?:EXTERNAL|DATABASE|SCHEMA)\b)",
    re.IGNORECASE | re.DOTALL,
)
"""How statements of Hive's language begin: their strings know backslash escapes. What was read is
not read another way, so that long stretches of blanks cost no more than their length."""

_FOREIGN = {
    "MERGE": "MERGE INTO works on Iceberg tables only, which this service does not have.",
    "UPDATE": "UPDATE works on Iceberg tables only, which this service does not have.",
    "DELETE": "DELETE works on Iceberg tables only, which this service does not have.",
    "VACUUM": "VACUUM works on Iceberg tables only, which this service does not have.",
    "OPTIMIZE": "OPTIMIZE works on Iceberg tables only, which this service does not have.",
}


def parse(text: str) -> model.Statement:
    """The statement in a query string.

    Raises:
        StatementRefused: it is none of Athena's, or one that this service does not run.
    """
    reader = Reader(text, hive=_HIVE_START.match(text) is not None)
    token = reader.token
    if token.kind is Kind.SIGN and token.value == "(":
        return model.Query(reader.rest())
    if token.kind is Kind.WORD:
        word = token.value.upper()
        if word in ("SELECT", "WITH", "VALUES", "TABLE"):
            return model.Query(reader.rest())
        if word in _FOREIGN:
            raise StatementRefused(f"NOT_SUPPORTED: {_FOREIGN[word]}")
        read = _READERS.get(word)
        if read is not None:
            reader.advance()
            return read(reader)
    raise reader.refuse(
        "'ALTER', 'CREATE', 'DEALLOCATE', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', "
        "'MSCK', 'PREPARE', 'SHOW', 'UNLOAD', <query>"
    )


def _create(reader: Reader) -> model.Statement:
    if reader.maybe_words("OR", "REPLACE"):
        reader.words("VIEW")
        return _create_view(reader, or_replace=True)
    if reader.maybe_words("VIEW"):
        return _create_view(reader, or_replace=False)
    if reader.maybe_words("DATABASE") or reader.maybe_words("SCHEMA"):
        return _create_database(reader)
    if reader.maybe_words("EXTERNAL"):
        reader.words("TABLE")
        return read_create_table(reader)
    reader.words("TABLE")
    return _create_table_as(reader)


def _create_view(reader: Reader, *, or_replace: bool) -> model.Statement:
    name = reader.qualified_name()
    reader.words("AS")
    return model.CreateView(name, reader.rest(), or_replace)


def _create_database(reader: Reader) -> model.Statement:
    if_not_exists = reader.maybe_words("IF", "NOT", "EXISTS")
    name = reader.name()
    comment = reader.string() if reader.maybe_words("COMMENT") else None
    location = reader.string() if reader.maybe_words("LOCATION") else None
    properties = reader.properties() if reader.maybe_words("WITH", "DBPROPERTIES") else {}
    reader.end()
    return model.CreateDatabase(name, if_not_exists, comment, location, properties)


def _create_table_as(reader: Reader) -> model.Statement:
    if_not_exists = reader.maybe_words("IF", "NOT", "EXISTS")
    name = reader.qualified_name()
    if reader.token.kind is Kind.SIGN and reader.token.value == "(":
        raise StatementRefused(
            "NOT_SUPPORTED: CREATE TABLE with columns makes an Iceberg table, which this service "
            "does not have; CREATE EXTERNAL TABLE and CREATE TABLE … AS SELECT are supported."
        )
    properties = _settings(reader) if reader.maybe_words("WITH") else {}
    reader.words("AS")
    sql, with_data = _strip_with_data(reader)
    return model.CreateTableAs(name, sql, if_not_exists, properties, with_data)


def _strip_with_data(reader: Reader) -> tuple[str, bool]:
    """The query, and whether its rows are wanted: `AS query [WITH [NO] DATA]`."""
    sql = reader.rest()
    words = Reader(sql, hive=False)
    places: list[int] = []
    last: list[str] = []
    while words.token.kind is not Kind.END:
        token = words.advance()
        places.append(token.start)
        last.append(token.value.upper() if token.kind is Kind.WORD else "")
    for ending, with_data in ((["WITH", "NO", "DATA"], False), (["WITH", "DATA"], True)):
        if last[-len(ending) :] == ending:
            return sql[: places[-len(ending)]].rstrip(), with_data
    return sql, True


def _settings(reader: Reader) -> Mapping[str, str | Sequence[str]]:
    """`(name = 'text' | number | true | ARRAY['a', 'b'], …)`."""

    def value() -> str | Sequence[str]:
        if reader.maybe_words("ARRAY"):
            reader.sign("[")
            items = [reader.string()]
            while reader.maybe_sign(","):
                items.append(reader.string())
            reader.sign("]")
            return items
        if reader.token.kind is Kind.NUMBER or reader.token.is_word("TRUE", "FALSE"):
            return reader.advance().value.lower()
        return reader.string()

    def pair() -> tuple[str, str | Sequence[str]]:
        name = reader.name()
        reader.sign("=")
        return name, value()

    return dict(reader.listed(pair))


def _drop(reader: Reader) -> model.Statement:
    kind = reader.one_of("DATABASE", "SCHEMA", "TABLE", "VIEW")
    if_exists = reader.maybe_words("IF", "EXISTS")
    if kind in ("DATABASE", "SCHEMA"):
        database = reader.name()
        cascade = reader.maybe_words("CASCADE")
        if not cascade:
            reader.maybe_words("RESTRICT")
        reader.end()
        return model.DropDatabase(database, if_exists, cascade)
    name = reader.qualified_name()
    reader.end()
    make = model.DropTable if kind == "TABLE" else model.DropView
    return make(name, if_exists)


def _insert(reader: Reader) -> model.Statement:
    reader.words("INTO")
    name = reader.qualified_name()
    columns = None
    opens = reader.token.kind is Kind.SIGN and reader.token.value == "("
    if opens and not reader.ahead(1).is_word("SELECT", "WITH", "VALUES", "TABLE"):
        columns = reader.listed(reader.name)
    return model.InsertInto(name, reader.rest(), columns)


def _unload(reader: Reader) -> model.Statement:
    sql = reader.parenthesised()
    reader.words("TO")
    location = reader.string()
    properties = _settings(reader) if reader.maybe_words("WITH") else {}
    reader.end()
    return model.Unload(sql, location, properties)


def _alter(reader: Reader) -> model.Statement:
    if reader.maybe_words("DATABASE") or reader.maybe_words("SCHEMA"):
        raise StatementRefused("NOT_SUPPORTED: ALTER DATABASE is not supported by this service.")
    reader.words("TABLE")
    name = reader.qualified_name()
    if reader.maybe_words("ADD"):
        if reader.maybe_words("COLUMNS"):
            return _columns(reader, lambda columns: model.AddColumns(name, columns))
        return _add_partitions(reader, name)
    if reader.maybe_words("DROP"):
        _refuse_alteration(reader, "COLUMN", "DROP COLUMN")
        return _drop_partitions(reader, name)
    _refuse_alteration(reader, "CHANGE", "CHANGE COLUMN")
    _refuse_alteration(reader, "RENAME", "RENAME")
    if reader.maybe_words("REPLACE", "COLUMNS"):
        return _columns(reader, lambda columns: model.ReplaceColumns(name, columns))
    partition = _partition_spec(reader) if reader.token.is_word("PARTITION") else None
    reader.words("SET")
    if reader.maybe_words("LOCATION"):
        location = reader.string()
        reader.end()
        return model.SetLocation(name, location, partition)
    if partition is not None:
        raise reader.refuse("'LOCATION'")
    reader.words("TBLPROPERTIES")
    properties = reader.properties()
    reader.end()
    return model.SetProperties(name, properties)


def _refuse_alteration(reader: Reader, word: str, name: str) -> None:
    if reader.token.is_word(word):
        raise StatementRefused(f"NOT_SUPPORTED: ALTER TABLE {name} is not supported.")


def _columns(
    reader: Reader, make: Callable[[Sequence[model.Column]], model.Statement]
) -> model.Statement:
    columns = reader.listed(lambda: read_column(reader))
    reader.end()
    return make(columns)


def _add_partitions(reader: Reader, name: model.Name) -> model.Statement:
    if_not_exists = reader.maybe_words("IF", "NOT", "EXISTS")
    partitions: list[model.NewPartition] = []
    while True:
        values = _partition_spec(reader)
        location = reader.string() if reader.maybe_words("LOCATION") else None
        partitions.append(model.NewPartition(values, location))
        reader.maybe_sign(",")
        if not reader.token.is_word("PARTITION"):
            break
    reader.end()
    return model.AddPartitions(name, partitions, if_not_exists)


def _partition_spec(reader: Reader) -> Mapping[str, str]:
    """`PARTITION (column = value, …)`."""
    comparisons = _comparisons(reader)
    if any(comparison.operator != "=" for comparison in comparisons):
        raise StatementRefused("A partition is named with = for each of its columns.")
    return {comparison.column: comparison.value for comparison in comparisons}


def _drop_partitions(reader: Reader, name: model.Name) -> model.Statement:
    if_exists = reader.maybe_words("IF", "EXISTS")
    specs = [_comparisons(reader)]
    while reader.maybe_sign(","):
        specs.append(_comparisons(reader))
    reader.end()
    return model.DropPartitions(name, specs, if_exists)


def _comparisons(reader: Reader) -> Sequence[model.Comparison]:
    reader.words("PARTITION")

    def comparison() -> model.Comparison:
        column = reader.name()
        operator = reader.token.value
        if operator not in ("=", "<>", "!=", "<", "<=", ">", ">="):
            raise reader.refuse("'='")
        reader.advance()
        return model.Comparison(column, "<>" if operator == "!=" else operator, _literal(reader))

    return reader.listed(comparison)


def _literal(reader: Reader) -> str:
    """A partition value: a string, a number, or DATE '…'."""
    reader.maybe_words("DATE")
    if reader.maybe_sign("-"):
        return "-" + reader.advance().value
    if reader.token.kind is Kind.NUMBER:
        return reader.advance().value
    return reader.string()


def _repair(reader: Reader) -> model.Statement:
    reader.words("REPAIR", "TABLE")
    name = reader.qualified_name()
    reader.end()
    return model.RepairTable(name)


def _show(reader: Reader) -> model.Statement:
    match reader.one_of(
        "COLUMNS",
        "CREATE",
        "DATABASES",
        "PARTITIONS",
        "SCHEMAS",
        "TABLES",
        "TBLPROPERTIES",
        "VIEWS",
    ):
        case "DATABASES" | "SCHEMAS":
            reader.maybe_words("LIKE")
            return _ended(reader, model.ShowDatabases(_maybe_pattern(reader)))
        case "TABLES":
            return _ended(reader, model.ShowTables(_maybe_database(reader), _maybe_pattern(reader)))
        case "VIEWS":
            database = _maybe_database(reader)
            reader.maybe_words("LIKE")
            return _ended(reader, model.ShowViews(database, _maybe_pattern(reader)))
        case "PARTITIONS":
            return _ended(reader, model.ShowPartitions(reader.qualified_name()))
        case "COLUMNS":
            reader.one_of("FROM", "IN")
            database, table = reader.qualified_name()
            return _ended(reader, model.ShowColumns((_maybe_database(reader) or database, table)))
        case "CREATE":
            make = {"TABLE": model.ShowCreateTable, "VIEW": model.ShowCreateView}
            kind = reader.one_of("TABLE", "VIEW")
            return _ended(reader, make[kind](reader.qualified_name()))
        case _:
            name = reader.qualified_name()
            key = None
            if reader.maybe_sign("("):
                key = reader.string()
                reader.sign(")")
            return _ended(reader, model.ShowTableProperties(name, key))


def _maybe_database(reader: Reader) -> str | None:
    return reader.name() if reader.maybe_words("IN") or reader.maybe_words("FROM") else None


def _maybe_pattern(reader: Reader) -> str | None:
    if reader.token.kind in (Kind.STRING, Kind.NAME):
        return reader.advance().value
    return None


def _ended(reader: Reader, statement: model.Statement) -> model.Statement:
    reader.end()
    return statement


def _describe(reader: Reader) -> model.Statement:
    if reader.maybe_words("VIEW"):
        return _ended(reader, model.DescribeView(reader.qualified_name()))
    formatted = reader.maybe_words("FORMATTED") or reader.maybe_words("EXTENDED")
    name = reader.qualified_name()
    if reader.token.is_word("PARTITION"):
        raise StatementRefused("NOT_SUPPORTED: DESCRIBE … PARTITION is not supported.")
    column = reader.name() if reader.token.kind in (Kind.WORD, Kind.NAME) else None
    return _ended(reader, model.Describe(name, formatted, column))


def _prepare(reader: Reader) -> model.Statement:
    name = reader.advance().value
    reader.words("FROM")
    return model.Prepare(name, reader.rest())


def _execute(reader: Reader) -> model.Statement:
    name = reader.advance().value
    values: list[str] = []
    if reader.maybe_words("USING"):
        values = split_list(reader.rest())
    reader.end()
    return model.Execute(name, values)


def split_list(text: str) -> list[str]:
    """Expressions between commas, as text; commas inside brackets do not part them."""
    reader = Reader(text, hive=False)
    items: list[str] = []
    depth, start = 0, 0
    while True:
        token = reader.advance()
        if token.kind is Kind.END:
            items.append(text[start:].strip())
            return items
        if token.kind is Kind.SIGN:
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.value, 0)
            if token.value == "," and depth == 0:
                items.append(text[start : token.start].strip())
                start = token.end


def _deallocate(reader: Reader) -> model.Statement:
    reader.words("PREPARE")
    return _ended(reader, model.Deallocate(reader.advance().value))


def _explain(reader: Reader) -> model.Statement:
    if reader.token.is_word("ANALYZE") or reader.token.value == "(":
        raise StatementRefused(
            f"NOT_SUPPORTED: EXPLAIN {reader.token.text} is not supported; plain EXPLAIN is."
        )
    return model.Explain(reader.rest())


_READERS: Mapping[str, Callable[[Reader], model.Statement]] = {
    "ALTER": _alter,
    "CREATE": _create,
    "DEALLOCATE": _deallocate,
    "DESC": _describe,
    "DESCRIBE": _describe,
    "DROP": _drop,
    "EXECUTE": _execute,
    "EXPLAIN": _explain,
    "INSERT": _insert,
    "MSCK": _repair,
    "PREPARE": _prepare,
    "SHOW": _show,
    "UNLOAD": _unload,
}
