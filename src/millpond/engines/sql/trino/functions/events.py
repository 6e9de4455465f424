"""Functions over events' text, for the platform's own services. Trino has none of them: a dollar
begins their names, so that none is ever taken for a function of Trino's.

    "$number"(text)             the number that a text is; NULL where it is none
    "$json_found"(text, path)   the JSON at a path; NULL where there is none, or no JSON
    "$json_shown"(text, path)   the same as text: strings without quotes, true and false as 1 and 0
    "$group"(text, regex, n)    what the n-th group of the first match holds; NULL where none is
    "$ip_version"(text)         4 or 6 for an IP address, else 0
    "$in_subnet"(text, subnet)  whether an IP address lies in a subnet
"""

import re2

from millpond.engines.sql.trino.functions.json import duck_path
from millpond.engines.sql.trino.functions.registry import constant_of, invalid_argument, scalar
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import quote_text


def _at(text: Typed, path: Typed) -> str:
    place, _ = duck_path(constant_of(path, "A JSON path"))
    return f"t_json_or_null({text.sql}), {quote_text(place)}"


def _found(text: Typed, path: Typed) -> str:
    return f"CAST(json_extract({_at(text, path)}) AS VARCHAR)"


def _shown(text: Typed, path: Typed) -> str:
    return f"t_json_shown({_found(text, path)}, json_extract_string({_at(text, path)}))"


def _group(text: Typed, pattern: Typed, group: Typed) -> str:
    """The pattern is one group of its own, which tells an empty group from no match."""
    written = constant_of(pattern, "A regular expression").replace("(?<", "(?P<")
    try:
        count = re2.compile(written).groups
    except re2.error as error:
        raise invalid_argument(f"Invalid regular expression: {error}") from None
    number = constant_of(group, "A group number")
    names = ", ".join(f"'g{place}'" for place in range(count + 1))
    found = f"regexp_extract({text.sql}, {quote_text(f'({written})')}, [{names}])"
    return f"CASE WHEN {found}.g0 <> '' THEN {found}.g{number} END"


scalar("$number", "(varchar) -> double", "t_finite(TRY_CAST({0} AS DOUBLE))")
scalar("$json_found", "(varchar, varchar) -> varchar", _found)
scalar("$json_shown", "(varchar, varchar) -> varchar", _shown)
scalar("$group", "(varchar, varchar, bigint) -> varchar", _group)
scalar("$ip_version", "(varchar) -> bigint", "p_ip_version({0})")
scalar("$in_subnet", "(varchar, varchar) -> boolean", "p_in_subnet({0}, {1})")
