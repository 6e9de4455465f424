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

NEED_FLINK = frozenset(
    """
    ADD_MONTHS AES_DECRYPT AES_ENCRYPT ARRAY_APPLY ARRAY_PREPEND BITMAP_AND BITMAP_BUILD BIN_TO_NUM
    CONV CURRENT_DATABASE CURRENT_USER DECODE_URL ELT
    GET_JSON_OBJECT GROUPING GROUPING_ID HASH_CODE JSON_LENGTH JSON_QUOTE JSON_TUPLE JSON_UNQUOTE
    OBJECT_OF OBJECT_UPDATE PARSE_JSON PRINTF REGEXP_COUNT REGEXP_INSTR REGEXP_SUBSTR SHA224 SHA384
    SHA512 SOURCE_WATERMARK TO_TIMESTAMP_TZ TRY_PARSE_JSON UNHEX URL_DECODE URL_ENCODE CURRENT_WATERMARK
    STRING_TO_ARRAY ML_PREDICT ML_EVALUATE JSON TUMBLE_START TUMBLE_END TUMBLE_ROWTIME
    TUMBLE_PROCTIME HOP_START HOP_END HOP_ROWTIME HOP_PROCTIME SESSION_START SESSION_END
    SESSION_ROWTIME SESSION_PROCTIME MATCH_ROWTIME MATCH_PROCTIME PERCENTILE
    """.split()
)
"""Functions that Flink has and this engine has not."""
