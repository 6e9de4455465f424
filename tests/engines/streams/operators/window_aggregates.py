"""Every aggregate, and what each is over a whole group, said another way: by DuckDB's own function,
or in Python's whole numbers and decimals."""

from decimal import ROUND_HALF_UP, Decimal

from window_histories import DECIMAL

from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import BIGINT, DOUBLE, INT, STRING, DataType

SUM = DataType("DECIMAL", (38, 2))
AVG = DataType("DECIMAL", (38, 6))
WORDS = DataType("MULTISET", fields=(("", STRING),))
SMALLS = DataType("ARRAY", fields=(("", INT),))


def _of(name, function, *arguments, type=BIGINT, **more):
    return Aggregate(name, function, arguments, type, **more)


AGGREGATES = (
    _of("rows", "COUNT"),
    _of("words", "COUNT", "word"),
    _of("kinds", "COUNT", "word", distinct=True),
    _of("total", "SUM", "amount"),
    _of("wraps", "SUM", "small", type=INT),
    _of("mean", "AVG", "small", type=INT),
    _of("share_sum", "SUM", "share", type=DOUBLE),
    _of("share_mean", "AVG", "share", type=DOUBLE),
    _of("price_sum", "SUM", "price", type=SUM),
    _of("price_mean", "AVG", "price", type=AVG),
    _of("least", "MIN", "price", type=DECIMAL),
    _of("most", "MAX", "word", type=STRING),
    _of("spread", "STDDEV_POP", "share", type=DOUBLE),
    _of("variance", "VAR_SAMP", "share", type=DOUBLE),
    _of("first", "FIRST_VALUE", "word", type=STRING),
    _of("last", "LAST_VALUE", "amount"),
    _of("text", "LISTAGG", "word", type=STRING, options=("'-'",)),
    _of("text_once", "LISTAGG", "word", type=STRING, distinct=True),
    _of("bag", "COLLECT", "word", type=WORDS),
    _of("array", "ARRAY_AGG", "small", type=SMALLS),
    _of("about", "APPROX_COUNT_DISTINCT", "n"),
    _of("good_total", "SUM", "small", type=BIGINT, condition="good"),
    _of("good_rows", "COUNT", condition="good"),
    _of("sum_once", "SUM", "small", type=INT, distinct=True),
    _of("mean_once", "AVG", "price", type=AVG, distinct=True),
    _of("spread_once", "VAR_SAMP", "share", type=DOUBLE, distinct=True),
)
NAMES = [each.name for each in AGGREGATES]
WHOLE = [
    f"{sql} AS {name}"
    for name, sql in zip(
        NAMES,
        [
            "count(*)",
            "count(word)",
            "count(DISTINCT word)",
            "list(amount) FILTER (amount IS NOT NULL)",
            "list(small) FILTER (small IS NOT NULL)",
            "list(small) FILTER (small IS NOT NULL)",
            "sum(share)",
            "avg(share)",
            "sum(price)",
            "list(price) FILTER (price IS NOT NULL)",
            "min(price)",
            "max(word)",
            "stddev_pop(share)",
            "var_samp(share)",
            "first(word ORDER BY n) FILTER (word IS NOT NULL)",
            "last(amount ORDER BY n) FILTER (amount IS NOT NULL)",
            "string_agg(word, '-' ORDER BY n)",
            "list(word ORDER BY n) FILTER (word IS NOT NULL)",
            "list(word ORDER BY n) FILTER (word IS NOT NULL)",
            "list(small ORDER BY n)",
            "count(DISTINCT n)",
            "sum(small) FILTER (good)",
            "count(*) FILTER (good)",
            "list(DISTINCT small) FILTER (small IS NOT NULL)",
            "list(DISTINCT price) FILTER (price IS NOT NULL)",
            "var_samp(DISTINCT share)",
        ],
        strict=True,
    )
]


def finished(rows, keys, bounds=("s", "e")):
    """Rows of the query over everything, as tuples, with what is computed in Python."""
    for row in rows:
        row["total"] = wrapped(row["total"], 64)
        row["mean"] = truncated(row["mean"])
        row["wraps"] = wrapped(row["wraps"], 32)
        row["sum_once"] = wrapped(row["sum_once"], 32)
        row["price_mean"] = rounded(row["price_mean"])
        row["mean_once"] = rounded(row["mean_once"])
        row["text_once"] = row["text_once"] and ",".join(dict.fromkeys(row["text_once"]))
        row["bag"] = row["bag"] or []
        yield tuple(row[name] for name in (*keys, *NAMES, *bounds))


def wrapped(values, bits):
    """A sum as Java's integers have it."""
    if not values:
        return None
    return (sum(values) + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def truncated(values):
    if not values:
        return None
    size = abs(sum(values)) // len(values)
    return size if sum(values) >= 0 else -size


def rounded(values):
    if not values:
        return None
    return (sum(values) / Decimal(len(values))).quantize(Decimal("0.000001"), ROUND_HALF_UP)
