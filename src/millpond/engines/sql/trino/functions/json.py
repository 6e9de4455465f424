"""JSON functions. Paths are literals of the form `$.a["b c"][0][*]`.

Source: trino.io/docs/current/functions/json.html.
"""

import re

from millpond.engines.sql.trino.convert import let
from millpond.engines.sql.trino.functions.registry import constant_of, invalid_argument, scalar
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import quote_text

_STEP = re.compile(
    r"""\.(?P<name>[\w@$:/-]+)|\[(?P<index>\d+)\]|\["(?P<quoted>(?:[^"\\]|\\.)*)"\]"""
    r"""|\['(?P<single>[^']*)'\]|(?P<all>\[\*\]|\.\*)"""
)


def duck_path(path: str) -> tuple[str, bool]:
    """DuckDB's form of a path, and whether it may find several values.

    Raises:
        StatementError: INVALID_FUNCTION_ARGUMENT.
    """
    if not path.startswith("$"):
        path = ("$" if path.startswith("[") else "$.") + path
    out, at, many = "$", 1, False
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise invalid_argument(f"Invalid JSON path: '{path}'")
        at = step.end()
        if step["all"]:
            out += "[*]" if step["all"] == "[*]" else ".*"
            many = True
        elif step["index"] is not None:
            out += f"[{step['index']}]"
        else:
            quoted = step["quoted"].replace('\\"', '"') if step["quoted"] is not None else None
            name = step["name"] or quoted or step["single"] or ""
            if '"' in name:
                raise invalid_argument(f"Invalid JSON path: '{path}'")
            out += f'."{name}"'
    return out, many


def _sound_of(json: Typed) -> str:
    """The JSON text; a varchar that is none is NULL."""
    return json.sql if json.type.name == "json" else f"t_json_or_null({json.sql})"


def _extract(json: Typed, path: Typed) -> str:
    text, many = duck_path(constant_of(path, "A JSON path"))
    found = f"json_extract({_sound_of(json)}, {quote_text(text)})"
    return f"t_json_all({found})" if many else f"t_json_found({found})"


def _extract_scalar(json: Typed, path: Typed) -> str:
    text, many = duck_path(constant_of(path, "A JSON path"))
    if many:
        return "CAST(NULL AS VARCHAR)"
    return let(
        f"json_extract({_sound_of(json)}, {quote_text(text)})", lambda j: f"t_json_scalar({j})"
    )


def _size(json: Typed, path: Typed) -> str:
    return f"t_json_size({_extract(json, path)})"


def _sql_path(text: str) -> str:
    """A path of the SQL standard: `lax` (the default) or `strict`, and then as above."""
    found = re.fullmatch(r"\s*(?:(lax|strict)\s+)?(\$.*?)\s*", text)
    if found is None:
        raise invalid_argument(f"Invalid JSON path: '{text}'")
    return found[2]


def _json_value(json: Typed, path: Typed) -> str:
    text, _ = duck_path(_sql_path(constant_of(path, "A JSON path")))
    return f"t_json_scalar(json_extract({_sound_of(json)}, {quote_text(text)}))"


def _json_query(json: Typed, path: Typed) -> str:
    text, many = duck_path(_sql_path(constant_of(path, "A JSON path")))
    if many:
        raise invalid_argument("JSON path found several items; ARRAY WRAPPER is not supported")
    found = f"json_extract({_sound_of(json)}, {quote_text(text)})"
    return f"CASE WHEN json_type({found}) IN ('ARRAY', 'OBJECT') THEN t_json_found({found}) END"


def _json_exists(json: Typed, path: Typed) -> str:
    text, many = duck_path(_sql_path(constant_of(path, "A JSON path")))
    found = f"json_extract({_sound_of(json)}, {quote_text(text)})"
    test = f"len({found}) > 0" if many else f"{found} IS NOT NULL"
    return f"CASE WHEN {json.sql} IS NULL THEN NULL ELSE {test} END"


for _kind in ("json", "varchar"):
    _sound = "{0}" if _kind == "json" else "t_json_or_null({0})"
    _members = f"CAST(json_extract({_sound}, '$[*]') AS VARCHAR[])"
    scalar("json_extract", f"({_kind}, varchar) -> json", _extract)
    scalar("json_extract_scalar", f"({_kind}, varchar) -> varchar", _extract_scalar)
    scalar(
        "json_array_length",
        f"({_kind}) -> bigint",
        f"CASE WHEN json_type({_sound}) = 'ARRAY' THEN"
        f" CAST(json_array_length({_sound}) AS BIGINT) END",
    )
    scalar(
        "json_array_get",
        f"({_kind}, bigint) -> json",
        f"t_json_found(json_extract({_sound}, '$[' || CASE WHEN {{1}} < 0 THEN '#' || {{1}}"
        " ELSE CAST({1} AS VARCHAR) END || ']'))",
    )
    for _plain in ("boolean", "bigint"):
        scalar(
            "json_array_contains",
            f"({_kind}, {_plain}) -> boolean",
            f"list_contains({_members}, CAST({{1}} AS VARCHAR))",
        )
    scalar(
        "json_array_contains",
        f"({_kind}, varchar) -> boolean",
        f"list_contains({_members}, CAST(to_json({{1}}) AS VARCHAR))",
    )
    scalar("json_size", f"({_kind}, varchar) -> bigint", _size)
scalar("is_json_scalar", "(json) -> boolean", "(json_type({0}) NOT IN ('ARRAY', 'OBJECT'))")
scalar(
    "is_json_scalar",
    "(varchar) -> boolean",
    "(json_type(t_json({0})) NOT IN ('ARRAY', 'OBJECT'))",
)
scalar("json_parse", "(varchar) -> json", "p_json_parse({0})")
scalar("json_format", "(json) -> varchar", "{0}")
scalar("json_value", "(varchar, varchar) -> varchar", _json_value)
scalar("json_query", "(varchar, varchar) -> varchar", _json_query)
scalar("json_exists", "(varchar, varchar) -> boolean", _json_exists)
