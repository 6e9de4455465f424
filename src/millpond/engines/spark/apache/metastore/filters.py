"""What Hive's clients ask of partitions, as the catalog reads it.

Hive: `year = "2024" and (month = 1 or month = 2) and name like "a.*"`. The catalog reads SQL:
strings in single quotes, `%` in patterns.

Source: `Filter.g` (Hive), "GetPartitions, Expression" (Glue), `Shim_v2_0.convertFilters` (Spark).
"""

import re

_TOKENS = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<day>\d{4}-\d\d-\d\d)
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<word>`[^`]+`|[^\W\d]\w*)
      | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_PATTERN_SIGNS = re.compile(r"[\\\[\](){}+?^$|*]")


def as_expression(text: str) -> str | None:
    """The filter for GetPartitions; None when the catalog has nothing to say it with."""
    parts: list[str] = []
    at, text = 0, text.strip()
    while at < len(text):
        token = _TOKENS.match(text, at)
        if token is None:
            return None
        at = token.end()
        part = _part(token, is_pattern=bool(parts) and parts[-1].lower() == "like")
        if part is None:
            return None
        parts.append(part)
    return " ".join(parts)


def _part(token: re.Match[str], *, is_pattern: bool) -> str | None:
    if token["text"]:
        value = re.sub(r"\\(.)", r"\1", token["text"][1:-1])
        if is_pattern:
            return _as_like(token["text"][1:-1])
        return _quoted(value)
    if token["day"]:
        return _quoted(token["day"])
    if token["word"]:
        return token["word"].strip("`")
    return token["number"] or token["sign"]


def _as_like(pattern: str) -> str | None:
    """`a.*` as `a%`; None for what is no plain text with `.*` at its ends."""
    middle = pattern.removeprefix(".*").removesuffix(".*")
    if _PATTERN_SIGNS.search(middle) or "%" in middle or "_" in middle:
        return None
    begins = "%" if pattern.startswith(".*") else ""
    ends = "%" if pattern.endswith(".*") and len(pattern) > 2 else ""
    return _quoted(f"{begins}{middle}{ends}")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
