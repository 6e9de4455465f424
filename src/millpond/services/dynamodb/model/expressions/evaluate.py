"""Says whether an item meets a condition."""

from collections.abc import Mapping
from decimal import Decimal

from millpond.services.dynamodb.model.expressions.nodes import (
    All,
    Any,
    At,
    BeginsWith,
    Between,
    Comparator,
    Compare,
    Condition,
    Contains,
    Exists,
    HasType,
    In,
    Literally,
    Not,
    Operand,
    Path,
    Size,
)
from millpond.services.dynamodb.model.values import Value, kind_of


def value_at(item: Mapping[str, Value], path: Path) -> Value | None:
    """What stands at `path`; None when there is nothing."""
    first, *rest = path
    value = item.get(first) if isinstance(first, str) else None
    for part in rest:
        if value is None:
            return None
        if isinstance(part, str):
            value = None if value.m is None else value.m.get(part)
        elif value.l is None or part >= len(value.l):
            return None
        else:
            value = value.l[part]
    return value


def holds(condition: Condition, item: Mapping[str, Value]) -> bool:
    """Whether `item` (an empty one where there is none) meets `condition`."""
    match condition:
        case Compare(operator, left, right):
            return compares(operator, _operand(left, item), _operand(right, item))
        case All(conditions):
            return all(holds(each, item) for each in conditions)
        case Any(conditions):
            return any(holds(each, item) for each in conditions)
        case Not(inner):
            return not holds(inner, item)
        case Exists(path):
            return value_at(item, path) is not None
        case Between(operand, low, high):
            value = _operand(operand, item)
            return compares(">=", value, _operand(low, item)) and compares(
                "<=", value, _operand(high, item)
            )
        case In(operand, choices):
            value = _operand(operand, item)
            return any(compares("=", value, _operand(choice, item)) for choice in choices)
        case HasType(path, kind):
            value = value_at(item, path)
            return value is not None and kind_of(value) == kind
        case BeginsWith(operand, start):
            return begins_with(_operand(operand, item), _operand(start, item))
        case Contains(container, element):
            return contains(_operand(container, item), _operand(element, item))


def _operand(operand: Operand, item: Mapping[str, Value]) -> Value | None:
    match operand:
        case Literally(value):
            return value
        case At(path):
            return value_at(item, path)
        case Size(of):
            return _size(_operand(of, item))


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    for held in (value.s, value.b, value.m, value.l, value.ss, value.ns, value.bs):
        if held is not None:
            return Value(n=str(len(held)))
    return None


def compares(operator: Comparator, left: Value | None, right: Value | None) -> bool:
    """Whether two values stand in this relation. What is not there equals nothing and differs
    from everything; only values of one ordered type are less or greater."""
    if operator == "=":
        return left is not None and left == right
    if operator == "<>":
        return left != right
    if left is None or right is None:
        return False
    order = _order(left, right)
    if order is None:
        return False
    match operator:
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case ">=":
            return order >= 0


def _order(left: Value, right: Value) -> int | None:
    """Negative, zero or positive as `left` is less, equal or greater; None where neither is."""
    if left.n is not None and right.n is not None:
        number, other = Decimal(left.n), Decimal(right.n)
        return (number > other) - (number < other)
    if left.s is not None and right.s is not None:
        return (left.s > right.s) - (left.s < right.s)
    if left.b is not None and right.b is not None:
        return (left.b > right.b) - (left.b < right.b)
    return None


def begins_with(value: Value | None, start: Value | None) -> bool:
    """Whether a string or binary begins with another one."""
    if value is None or start is None:
        return False
    if value.s is not None and start.s is not None:
        return value.s.startswith(start.s)
    return value.b is not None and start.b is not None and value.b.startswith(start.b)


def contains(container: Value | None, element: Value | None) -> bool:
    """Whether a string or binary has another one inside, or a set or list such an element."""
    if container is None or element is None:
        return False
    if container.s is not None:
        return element.s is not None and element.s in container.s
    if container.b is not None:
        return element.b is not None and element.b in container.b
    if container.l is not None:
        return element in container.l
    if container.ss is not None:
        return element.s is not None and element.s in container.ss
    if container.ns is not None:
        return element.n is not None and element.n in container.ns
    return container.bs is not None and element.b is not None and element.b in container.bs
