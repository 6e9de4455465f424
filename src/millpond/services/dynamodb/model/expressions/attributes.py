"""Which attributes a condition speaks of."""

from collections.abc import Iterator

from millpond.services.dynamodb.model.expressions.nodes import (
    All,
    Any,
    At,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    HasType,
    In,
    Literally,
    Not,
    Operand,
    Size,
)


def attributes_of(condition: Condition) -> Iterator[str]:
    """The names that the paths in `condition` begin with."""
    match condition:
        case All(conditions) | Any(conditions):
            for each in conditions:
                yield from attributes_of(each)
        case Not(inner):
            yield from attributes_of(inner)
        case Exists(path) | HasType(path, _):
            yield str(path[0])
        case Compare(_, left, right) | BeginsWith(left, right) | Contains(left, right):
            yield from _of(left, right)
        case Between(operand, low, high):
            yield from _of(operand, low, high)
        case In(operand, choices):
            yield from _of(operand, *choices)


def _of(*operands: Operand) -> Iterator[str]:
    for operand in operands:
        match operand:
            case At(path) | Size(At(path)):
                yield str(path[0])
            case Literally() | Size():
                pass
