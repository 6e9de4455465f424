"""The table of functions: which there are, and which only Flink has."""

from millpond.engines.streams.sql.functions.calls import Function
from millpond.engines.streams.sql.functions.collections import COLLECTIONS
from millpond.engines.streams.sql.functions.conditions import CONDITIONS
from millpond.engines.streams.sql.functions.json import SIGNATURES, json_string
from millpond.engines.streams.sql.functions.maths import MATHS
from millpond.engines.streams.sql.functions.strings import STRINGS_FUNCTIONS
from millpond.engines.streams.sql.functions.times import TIMES_FUNCTIONS

_JSON = (Function("JSON_STRING", "JSON functions", (SIGNATURES["JSON_STRING"],), json_string),)

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for group in (STRINGS_FUNCTIONS, MATHS, TIMES_FUNCTIONS, CONDITIONS, COLLECTIONS, _JSON)
    for function in group
}
"""The scalar functions by name; calls of JSON with words of their own are `json.SIGNATURES`."""

NEED_FLINK = frozenset((
    "ARRAY_EXCEPT", "ARRAY_INTERSECT", "ARRAY_SORT", "ARRAY_UNION", "MAP_UNION",
    "CURRENT_DATABASE", "CURRENT_WATERMARK", "SOURCE_WATERMARK", "ELT", "PRINTF", "UNHEX",
    "URL_ENCODE", "URL_DECODE", "JSON_QUOTE", "JSON_UNQUOTE", "REGEXP_COUNT",
    "REGEXP_INSTR", "REGEXP_SUBSTR", "SHA224", "SHA384", "SHA512", "GROUP_ID", "GROUPING",
    "GROUPING_ID", "PARSE_JSON", "TRY_PARSE_JSON", "OBJECT_OF", "OBJECT_UPDATE", "TYPEOF",
    "JSON", "TUMBLE", "HOP", "SESSION", "TUMBLE_START", "TUMBLE_END", "TUMBLE_ROWTIME",
    "TUMBLE_PROCTIME", "HOP_START", "HOP_END", "HOP_ROWTIME", "HOP_PROCTIME",
    "SESSION_START", "SESSION_END", "SESSION_ROWTIME", "SESSION_PROCTIME",
))  # fmt: skip
"""Functions that Flink has and this engine has not."""
