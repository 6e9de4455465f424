"""A program's text as statements.

What this engine has not is refused by its first words, with its place.
"""

from collections.abc import Callable, Iterator
from typing import NoReturn

from millpond.engines.streams.sql.statements.cursor import Cursor
from millpond.engines.streams.sql.statements.lexer import Text, Token
from millpond.engines.streams.sql.statements.model import (
    CreateCatalog,
    CreateFunction,
    CreateView,
    Drop,
    Insert,
    ResetOption,
    SetOption,
    Statement,
    Use,
)
from millpond.engines.streams.sql.statements.tables import create_table, with_options
from millpond.engines.streams.sql.typed import Position


def parse_statements(sql: str) -> list[Statement]:
    """The statements of Flink SQL text, in order; of a statement set its INSERTs.

    Raises:
        Refused: with line and column.
    """
    text = Text(sql)
    found: list[Statement] = []
    set_at: Position | None = None
    for tokens in _split(text.tokens()):
        cursor = Cursor(text, tokens)
        at = cursor.at
        if cursor.accept("EXECUTE", "STATEMENT", "SET", "BEGIN") or cursor.accept(
            "BEGIN", "STATEMENT", "SET"
        ):
            if set_at:
                cursor.refuse("A statement set cannot stand in another one.", at=at)
            set_at = at
            if cursor.done:
                continue
        elif set_at and cursor.accept("END"):
            cursor.expect_end()
            set_at = None
            continue
        if set_at and not (cursor.at_words("INSERT")):
            cursor.refuse("Only INSERT statement is allowed in a statement set.")
        found.append(_statement(cursor))
    if set_at:
        Cursor(text, ()).refuse("The statement set has no END.", at=set_at)
    return found


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    statement: list[Token] = []
    for token in tokens:
        if token.is_symbol(";"):
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        yield statement


def _statement(cursor: Cursor) -> Statement:
    at = cursor.at
    token = cursor.peek()
    read = _READERS.get(token.value) if token and token.kind == "word" else None
    if read is None:
        _refuse_unknown(cursor)
    cursor.take()
    return read(cursor, at)


def _create(cursor: Cursor, at: Position) -> Statement:
    replace = cursor.accept("OR", "REPLACE")
    temporary = cursor.accept("TEMPORARY")
    if temporary and cursor.accept("SYSTEM") and not cursor.at_words("FUNCTION"):
        cursor.unexpected("FUNCTION")
    if cursor.accept("TABLE") and not replace:
        return create_table(cursor, at, temporary)
    if cursor.accept("VIEW") and not replace:
        unless_exists = cursor.accept("IF", "NOT", "EXISTS")
        name = cursor.name()
        columns: list[str] = []
        token = cursor.peek()
        if token and token.is_symbol("("):
            columns = cursor.listed(cursor.identifier)
        if cursor.accept("COMMENT"):
            cursor.string()
        cursor.expect("AS")
        return CreateView(at, name, tuple(columns), cursor.rest(), unless_exists)
    if cursor.accept("FUNCTION") and not replace:
        return _function(cursor, at)
    if cursor.accept("CATALOG") and not (replace or temporary):
        unless_exists = cursor.accept("IF", "NOT", "EXISTS")
        catalog = cursor.identifier()
        if cursor.accept("COMMENT"):
            cursor.string()
        cursor.expect("WITH")
        options = with_options(cursor)
        cursor.expect_end()
        return CreateCatalog(at, catalog, options, unless_exists)
    what = "OR REPLACE " * replace + (token.value if (token := cursor.peek()) else "")
    return cursor.refuse(f"CREATE {what.strip()} is not supported.", at=at, needs_flink=True)


def _function(cursor: Cursor, at: Position) -> Statement:
    unless_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.name()
    cursor.expect("AS")
    place = cursor.at
    identifier = cursor.string()
    language = "JAVA"
    if cursor.accept("LANGUAGE"):
        language = cursor.identifier().upper()
    if language != "PYTHON":
        cursor.refuse(
            f"CREATE FUNCTION … LANGUAGE {language} is not supported; a function is LANGUAGE "
            "PYTHON.",
            at=at,
            needs_flink=language in ("JAVA", "SCALA"),
        )
    if cursor.at_words("USING"):
        cursor.refuse("CREATE FUNCTION … USING is not supported.", needs_flink=True)
    cursor.expect_end()
    module, _, attribute = identifier.rpartition(".")
    if not module or not all(part.isidentifier() for part in identifier.split(".")):
        cursor.refuse(
            f"'{identifier}' does not name a Python function; it is 'module.function'.", at=place
        )
    return CreateFunction(at, name, module, attribute, unless_exists)


def _use(cursor: Cursor, at: Position) -> Statement:
    if cursor.accept("CATALOG"):
        found = Use(at, cursor.identifier(), None)
    elif cursor.at_words("MODULES"):
        cursor.refuse("USE MODULES is not supported.", at=at, needs_flink=True)
    else:
        name = cursor.name()
        found = Use(at, name[-2] if len(name) > 1 else None, name[-1])
    cursor.expect_end()
    return found


def _drop(cursor: Cursor, at: Position) -> Statement:
    cursor.accept("TEMPORARY")
    cursor.accept("SYSTEM")
    for kind in ("TABLE", "VIEW", "FUNCTION", "CATALOG"):
        if cursor.accept(kind):
            if_exists = cursor.accept("IF", "EXISTS")
            name = cursor.name()
            cursor.expect_end()
            return Drop(at, kind, name, if_exists)
    token = cursor.peek()
    what = token.value if token else ""
    return cursor.refuse(f"DROP {what} is not supported.", at=at, needs_flink=True)


def _set(cursor: Cursor, at: Position) -> Statement:
    if cursor.done:
        cursor.refuse("SET without an option is not supported.", at=at, needs_flink=True)
    key = _key(cursor)
    cursor.expect_symbol("=")
    token = cursor.peek()
    value = cursor.string() if token and token.kind == "string" else cursor.rest().text
    cursor.expect_end()
    return SetOption(at, key, value)


def _reset(cursor: Cursor, at: Position) -> Statement:
    key = None if cursor.done else _key(cursor)
    cursor.expect_end()
    return ResetOption(at, key)


def _key(cursor: Cursor) -> str:
    token = cursor.peek()
    if token and token.kind == "string":
        return cursor.string()
    parts = [cursor.identifier()]
    while cursor.accept_symbol(".") or cursor.accept_symbol("-"):
        parts.append(cursor.identifier())
    return cursor.refuse(f"A setting's key is a string literal: '{'.'.join(parts)}'.")


def _insert(cursor: Cursor, at: Position) -> Statement:
    if cursor.at_words("OVERWRITE"):
        cursor.refuse(
            "INSERT OVERWRITE requires that the underlying table runs in batch mode; it is not "
            "supported in streaming mode.",
            at=at,
        )
    cursor.expect("INTO")
    name = cursor.name()
    if cursor.at_words("PARTITION"):
        cursor.refuse("INSERT INTO … PARTITION is not supported.", needs_flink=True)
    columns = None
    token, following = cursor.peek(), cursor.peek(1)
    if token and token.text.startswith("/*+"):
        hint = token.text[3:-2].strip()
        cursor.refuse(f"The hint {hint} is not supported", needs_flink=True)
    if (
        token
        and token.is_symbol("(")
        and following
        and not (following.kind == "word" and following.value in ("SELECT", "WITH", "VALUES"))
        and not following.is_symbol("(")
    ):
        columns = tuple(cursor.listed(cursor.identifier))
    query = cursor.rest()
    text = " ".join(query.text.split())
    return Insert(at, name, columns, query, f"INSERT INTO {'.'.join(name)} {text}")


def _select(cursor: Cursor, at: Position) -> NoReturn:
    cursor.refuse(
        "A query alone has nowhere to put its rows; write INSERT INTO a table SELECT ….", at=at
    )


def _refuse_unknown(cursor: Cursor) -> NoReturn:
    words: list[str] = []
    while len(words) < 2 and (token := cursor.peek(len(words))) and token.kind == "word":
        words.append(token.value)
    if words and words[0] in _FLINK_ONLY:
        cursor.refuse(f"{' '.join(words)} is not supported.", needs_flink=True)
    found = cursor.peek()
    cursor.refuse(f'Non-query expression encountered: "{found.text if found else ""}".')


_READERS: dict[str, Callable[[Cursor, Position], Statement]] = {
    "CREATE": _create,
    "USE": _use,
    "DROP": _drop,
    "SET": _set,
    "RESET": _reset,
    "INSERT": _insert,
    "SELECT": _select,
    "WITH": _select,
    "VALUES": _select,
}
_FLINK_ONLY = {
    "ADD",
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "COMPILE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "EXECUTE",
    "EXPLAIN",
    "LOAD",
    "REFRESH",
    "REMOVE",
    "SHOW",
    "TRUNCATE",
    "UNLOAD",
    "UPDATE",
}
