"""Date patterns: MySQL's (`date_format`, `date_parse`) and Joda's (`format_datetime`, …).

Both become `strftime` patterns where DuckDB has the part. A part that it has not is an expression
of its own, written over `{x}`, the local timestamp, and `{v}`, the value with its zone.

Source: trino.io/docs/current/functions/datetime.html; org.joda.time.format.DateTimeFormat.
"""

import re

from millpond.engines.sql.trino.functions.registry import invalid_argument

_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I",
    "I": "%I", "i": "%M", "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p",
    "r": "%I:%M:%S %p", "S": "%S", "s": "%S", "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G",
    "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_MYSQL_PARSED = {**_MYSQL, "f": "%n"}


def mysql_pattern(text: str, parsing: bool) -> str:
    """The strftime pattern of a MySQL one.

    Raises:
        StatementError: INVALID_FUNCTION_ARGUMENT, for %D %U %u %V %w %X, as in Trino.
    """
    table = _MYSQL_PARSED if parsing else _MYSQL
    out, at = "", 0
    while at < len(text):
        if text[at] == "%" and at + 1 < len(text):
            letter = text[at + 1]
            if letter in "DUuVwX":
                raise invalid_argument(f"%{letter} not supported in date format string")
            out += table.get(letter, letter)
            at += 2
        else:
            out += "%%" if text[at] == "%" else text[at]
            at += 1
    return out


_JODA = re.compile(r"([A-Za-z])\1*|'((?:[^']|'')*)'|([^A-Za-z']+)")
_PADDED = {
    "d": ("%d", "%-d"), "H": ("%H", "%-H"), "h": ("%I", "%-I"), "m": ("%M", "%-M"),
    "s": ("%S", "%-S"), "w": ("%V", "CAST(week({x}) AS VARCHAR)"),
}  # fmt: skip


def joda_parts(text: str) -> list[tuple[str, str]]:
    """A Joda pattern as parts for printing: `("time", strftime pattern)`, `("text", literal)` or
    `("sql", expression)`.

    Raises:
        StatementError: INVALID_FUNCTION_ARGUMENT, for a letter that is not known.
    """
    parts: list[tuple[str, str]] = []
    for found in _tokens(text):
        letters, count = found
        if not letters:
            parts.append(("text", str(count)))
        else:
            parts.append(_printed(letters, int(count), text))
    return parts


def _tokens(text: str) -> list[tuple[str, int | str]]:
    found: list[tuple[str, int | str]] = []
    at = 0
    while at < len(text):
        match = _JODA.match(text, at)
        if match is None:
            raise invalid_argument(f"Illegal pattern: {text}")
        at = match.end()
        if match[1]:
            found.append((match[1], len(match[0])))
        elif match[2] is not None:
            found.append(("", match[2].replace("''", "'") or "'"))
        else:
            found.append(("", match[3]))
    return found


def _printed(letter: str, count: int, text: str) -> tuple[str, str]:
    if letter in _PADDED:
        padded, plain = _PADDED[letter]
        chosen = plain if count == 1 else padded
        return ("sql", chosen) if "{x}" in chosen else ("time", chosen)
    match letter:
        case "y" | "Y" | "u":
            return ("time", "%y" if count == 2 else "%Y")
        case "x":
            return ("time", "%G")
        case "M":
            return ("time", ("%-m", "%m", "%b", "%B")[min(count, 4) - 1])
        case "E":
            return ("time", "%A" if count > 3 else "%a")
        case "e":
            return ("time", "%u")
        case "D":
            return ("time", "%-j" if count == 1 else "%j")
        case "a":
            return ("time", "%p")
        case "S":
            digits = "lpad(CAST(date_part('microsecond', {x}) % 1000000 AS VARCHAR), 6, '0')"
            return ("sql", f"rpad(left({digits}, {count}), {count}, '0')")
        case "k":
            return ("sql", _padded("CASE hour({x}) WHEN 0 THEN 24 ELSE hour({x}) END", count))
        case "K":
            return ("sql", _padded("hour({x}) % 12", count))
        case "G":
            return ("text", "AD")
        case "Z" if count == 1:
            return ("sql", "replace(t_offset_text({v}), ':', '')")
        case "Z" if count == 2:
            return ("sql", "t_offset_text({v})")
        case "Z":
            return ("sql", "{v}.z")
        case "z" if count < 4:
            return ("sql", "{v}.z")
    raise invalid_argument(f"Illegal pattern component: {letter * count} in {text}")


def _padded(number: str, count: int) -> str:
    return (
        f"lpad(CAST({number} AS VARCHAR), {max(count, 2) if count > 1 else 1}, '0')"
        if (count > 1)
        else f"CAST({number} AS VARCHAR)"
    )


def joda_parse_pattern(text: str) -> str:
    """The strptime pattern of a Joda one.

    Raises:
        StatementError: INVALID_FUNCTION_ARGUMENT, for what cannot be parsed by DuckDB.
    """
    simple = {"y": "%Y", "Y": "%Y", "u": "%Y", "d": "%d", "H": "%H", "h": "%I", "m": "%M",
              "s": "%S", "a": "%p", "S": "%n", "D": "%j"}  # fmt: skip
    out = ""
    for letter, count in _tokens(text):
        if not letter:
            out += str(count).replace("%", "%%")
        elif letter in "yYu" and count == 2:
            out += "%y"
        elif letter in simple:
            out += simple[letter]
        elif letter == "M":
            out += ("%m", "%m", "%b", "%B")[min(int(count), 4) - 1]
        elif letter == "E":
            out += "%A" if int(count) > 3 else "%a"
        elif letter == "Z" and int(count) <= 2:
            out += "%z"
        else:
            raise invalid_argument(f"Illegal pattern component: {letter * int(count)} in {text}")
    return out
