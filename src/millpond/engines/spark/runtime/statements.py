"""A script of SQL, taken apart; and rows, put in words. Pure.

Source: Spark SQL CLI (SparkSQLCLIDriver.splitSemiColon, HiveResult.toHiveString).
"""

import datetime
import decimal
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_VARIABLE = re.compile(r"\$\{(?:(?:hivevar|hiveconf|spark|system):)?([^}:]+)\}")
_KINDS = (
    r"(?:catalog|database|schema|namespace|table|extended|formatted|function|query|select|with)"
)
_SHORT_FORMS = (
    (re.compile(rf"\s*use\s+(?!{_KINDS}\b)", re.IGNORECASE), "USE DATABASE "),
    (re.compile(rf"\s*desc(?:ribe)?\s+(?!{_KINDS}\b)", re.IGNORECASE), "DESCRIBE TABLE "),
)
_OUTSIDE = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*(?!\+).*?\*/)+", re.DOTALL)
_ASKING = re.compile(r"[\s(]*(?:select|with|from|values|table)\b", re.IGNORECASE)
_NAME = r"(`(?:[^`]|``)+`|\w+)(?!\s*\.)(?=\W|$)"
_MADE = re.compile(
    r"create\s+(?:or\s+replace\s+)?temp(?:orary)?\s+view\s+(?:if\s+not\s+exists\s+)?" + _NAME,
    re.IGNORECASE,
)
_DROPPED = re.compile(r"drop\s+view\s+(?:if\s+exists\s+)?" + _NAME, re.IGNORECASE)
_LISTING = re.compile(r"show\s+(?:tables?|views)\b", re.IGNORECASE)
_WORD = re.compile(r"`((?:[^`]|``)+)`|(\w+)")
_SETTING = re.compile(r"set\s+([\w.]+)\s*(?:=\s*(.*))?", re.IGNORECASE | re.DOTALL)


def split_statements(script: str) -> Iterator[str]:
    """The statements between semicolons, without comments around them."""
    start = at = 0
    while at < len(script):
        letter = script[at]
        if letter in "'\"`":
            at = _end_of_quotes(script, at)
        elif script.startswith("--", at):
            end = script.find("\n", at)
            end = len(script) if end < 0 else end
            script = script[:at] + script[end:]
        elif script.startswith("/*", at) and not script.startswith("/*+", at):
            end = script.find("*/", at + 2)
            end = len(script) if end < 0 else end + 2
            script = script[:at] + " " + script[end:]
        elif letter == ";":
            if statement := script[start:at].strip():
                yield statement
            at = start = at + 1
        else:
            at += 1
    if statement := script[start:].strip():
        yield statement


def _end_of_quotes(script: str, at: int) -> int:
    quote, at = script[at], at + 1
    while at < len(script) and script[at] != quote:
        at += 2 if script[at] == "\\" and quote != "`" else 1
    return at + 1


def substitute(statement: str, variables: Mapping[str, str]) -> str:
    """Put variables in for `${name}` and `${hivevar:name}`; unknown ones stay as they are."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), statement)


def bare(statement: str) -> str:
    """The statement, without space and comments before it and space behind it."""
    before = _OUTSIDE.match(statement)
    return statement[before.end() if before else 0 :].rstrip()


def asks_for_rows(statement: str) -> bool:
    """Whether it is a query, and not a command."""
    return _ASKING.match(statement) is not None


def lists_tables(statement: str) -> bool:
    """Whether it is `SHOW TABLES`, `SHOW TABLE EXTENDED` or `SHOW VIEWS`."""
    return _LISTING.match(statement) is not None


def made_view(statement: str) -> str | None:
    """The temporary view that it creates, in lower case; None if it is another statement."""
    return _name_in(_MADE.match(statement))


def dropped_view(statement: str) -> str | None:
    """The view that it drops, in lower case; None if it is another statement."""
    return _name_in(_DROPPED.match(statement))


def _name_in(found: re.Match[str] | None) -> str | None:
    return None if found is None else found[1].strip("`").replace("``", "`").lower()


def words_of(statement: str) -> Iterator[str]:
    """Everything in it that could be a name (and more: what strings and comments hold)."""
    for found in _WORD.finditer(statement):
        yield found[1].replace("``", "`") if found[1] else found[2]


def for_engine(statement: str) -> str:
    """`USE shop` and `DESCRIBE t` in the longer forms that the engine wants; the name of a
    temporary view that it creates or drops in lower case, as the engine has them."""
    if found := _MADE.match(statement) or _DROPPED.match(statement):
        return statement[: found.start(1)] + found[1].lower() + statement[found.end(1) :]
    for short, long in _SHORT_FORMS:
        if short.match(statement):
            return short.sub(long, statement, count=1)
    return statement


def read_setting(statement: str) -> tuple[str, str | None] | None:
    """The property of `SET name` or `SET name=value`, and its value; None if it is another
    statement."""
    found = _SETTING.fullmatch(statement)
    return None if found is None else (found[1], found[2] and found[2].strip())


def line_of(values: Iterable[Any]) -> str:
    """A row as the Spark SQL CLI prints it: values between tabs."""
    return "\t".join(_text(value, nested=False) for value in values)


def _text(value: Any, nested: bool) -> str:
    if value is None:
        return "null" if nested else "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if nested else value
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, datetime.datetime):
        return _timestamp(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        pairs = (f"{_text(k, True)}:{_text(v, True)}" for k, v in value.items())
        return "{" + ",".join(pairs) + "}"
    if hasattr(value, "__fields__"):
        pairs = (f'"{k}":{_text(v, True)}' for k, v in zip(value.__fields__, value, strict=True))
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(item, True) for item in value) + "]"
    return str(value)


def _timestamp(value: datetime.datetime) -> str:
    text = value.replace(tzinfo=None).isoformat(" ")
    return text.rstrip("0").rstrip(".") if "." in text else text
