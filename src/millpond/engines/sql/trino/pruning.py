"""Which partitions a query can leave out: conditions of WHERE on partition columns alone.

Each such condition goes to its table's scan twice: exactly, as a DuckDB expression over the
partition columns, and, where it is simple, as a `Condition` for a catalog to narrow its list by.
Both only save work: the query itself still carries the whole WHERE.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from sqlglot import exp

from millpond.engines.sql.trino.calls import has_aggregate, read_call
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.functions import find
from millpond.engines.sql.trino.scope import Condition, Context, Field, Scan, Scope, Typed
from millpond.engines.sql.trino.types import INTEGERS, quote_name

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def push_to_scans(context: Context, scope: Scope, condition: exp.Expr) -> None:
    """Give each scan the parts of a WHERE that are about its partitions."""
    for part in _conjuncts(condition):
        found = _scan_of(scope, part)
        if found is None:
            continue
        scan, fields = found
        over_keys = [replace(one, sql=quote_name(one.column), scan=None) for one in fields.values()]
        try:
            value = context.compiler.expression(context, Scope(over_keys), part)
        except StatementError:
            continue
        scan.filters.append(value.sql)
        simple = _simple(context, fields, part)
        if simple is not None:
            scan.conditions.append(simple)


def _conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.And):
            waiting += [one.expression, one.this]
        elif isinstance(one, exp.Paren):
            waiting.append(one.this)
        else:
            yield one


def _scan_of(scope: Scope, part: exp.Expr) -> tuple[Scan, dict[str, Field]] | None:
    """The one scan whose partition columns, and nothing else, a condition is about."""
    fields: dict[str, Field] = {}
    if has_aggregate(part) or part.find(exp.Query, exp.Window, exp.Lambda) or _is_volatile(part):
        return None
    for column in part.find_all(exp.Column):
        names = [one.name.lower() for one in column.parts]
        found = [one for one in scope.fields if one.matches(names)]
        if len(found) != 1 or not found[0].is_partition or found[0].scan is None:
            return None
        fields[found[0].sql] = found[0]
    scans = {id(one.scan): one.scan for one in fields.values()}
    if len(scans) != 1:
        return None
    (scan,) = scans.values()
    return (scan, fields) if scan is not None else None


def _is_volatile(part: exp.Expr) -> bool:
    for one in part.find_all(exp.Anonymous):
        call = read_call(one)
        function = find(call.name) if call is not None else None
        if function is not None and function.is_volatile:
            return True
    return False


def _simple(context: Context, fields: dict[str, Field], part: exp.Expr) -> Condition | None:
    """`key = literal`, an inequality or an IN list, where text and type allow no doubt."""
    if len(fields) != 1:
        return None
    (field,) = fields.values()
    if isinstance(part, exp.In) and not part.args.get("query"):
        values = [_text(context, field, one) for one in part.expressions]
        if not isinstance(part.this, exp.Column) or any(one is None for one in values):
            return None
        return Condition(field.column, "in", tuple(one for one in values if one is not None))
    operator = _OPERATORS.get(type(part))
    if operator is None:
        return None
    left, right = part.this, part.expression
    if isinstance(right, exp.Column):
        left, right, operator = right, left, _TURNED[operator]
    text = _text(context, field, right) if isinstance(left, exp.Column) else None
    return None if text is None else Condition(field.column, operator, (text,))


def _text(context: Context, field: Field, node: exp.Expr) -> str | None:
    """A literal as a catalog holds it, for text, whole numbers and dates; None for others."""
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
        if field.type.name != "date" or getattr(node.args["to"].this, "name", "") != "DATE":
            return None
        try:
            return date.fromisoformat(node.this.this).isoformat()
        except ValueError:
            return None
    if not isinstance(node, exp.Literal | exp.Placeholder):
        return None
    value: Typed = context.compiler.expression(context, Scope(), node)
    if isinstance(value.value, str) and field.type.name == "varchar":
        return value.value
    if isinstance(value.value, int) and field.type.name in INTEGERS:
        return str(value.value)
    return None
