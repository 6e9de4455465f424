"""The functions of Trino that are translated; a name that is not here is refused.

`find` knows them all. Each module registers those of one chapter of Trino's documentation.
"""

from millpond.engines.sql.trino.functions import (
    aggregates,
    arrays,
    binary,
    dates,
    events,
    json,
    maps,
    math,
    regular,
    texts,
    urls,
    windows,
)
from millpond.engines.sql.trino.functions.registry import Function, Kind, find, names

__all__ = [
    "Function",
    "Kind",
    "aggregates",
    "arrays",
    "binary",
    "dates",
    "events",
    "find",
    "json",
    "maps",
    "math",
    "names",
    "regular",
    "texts",
    "urls",
    "windows",
]
