"""The filter that `GetPartitions` takes: like the WHERE clause of SQL, over partition keys.

`parse_expression(text)` gives a tree, `compile_filter(tree, keys)` a function over a partition's
values, `leading_values(tree, keys)` the values that the first keys must have, where it says so.

Source: Glue API reference, GetPartitions, "Expression".
"""

from millpond.services.glue.expression.filter import Filter, compile_filter
from millpond.services.glue.expression.grammar import UnsupportedExpression, parse_expression
from millpond.services.glue.expression.prune import leading_values
from millpond.services.glue.expression.values import BadLiteral, BadValue

__all__ = [
    "BadLiteral",
    "BadValue",
    "Filter",
    "UnsupportedExpression",
    "compile_filter",
    "leading_values",
    "parse_expression",
]
