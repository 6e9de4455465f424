"""Expected, QueryFilter, ScanFilter and KeyConditions.

Source: DynamoDB developer guide, Legacy conditional parameters; API reference, Condition and
ExpectedAttributeValue.
"""

from collections.abc import Mapping, Sequence

from millpond.services.dynamodb import shapes
from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model.expressions import nodes
from millpond.services.dynamodb.model.expressions.evaluate import compares
from millpond.services.dynamodb.model.expressions.key_conditions import key_condition, missed
from millpond.services.dynamodb.model.expressions.nodes import At, Bound, KeyCondition, Literally
from millpond.services.dynamodb.model.tables import KeySchema
from millpond.services.dynamodb.model.values import Kind, Value, check, kind_of

_COMPARATORS: Mapping[str, nodes.Comparator] = {
    "EQ": "=",
    "NE": "<>",
    "LT": "<",
    "LE": "<=",
    "GT": ">",
    "GE": ">=",
}
_COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_SCALARS: frozenset[Kind] = frozenset(("S", "N", "B"))
_SEARCHED: frozenset[Kind] = frozenset(("S", "N", "B", "BOOL", "NULL"))
_TEXTS: frozenset[Kind] = frozenset(("S", "B"))
_KINDS: Mapping[str, frozenset[Kind]] = {
    "LT": _SCALARS,
    "LE": _SCALARS,
    "GT": _SCALARS,
    "GE": _SCALARS,
    "BETWEEN": _SCALARS,
    "IN": _SCALARS,
    "BEGINS_WITH": _TEXTS,
    "CONTAINS": _SEARCHED,
    "NOT_CONTAINS": _SEARCHED,
}
_BOUNDS: Mapping[str, nodes.BoundOperator] = {
    "EQ": "=",
    "LT": "<",
    "LE": "<=",
    "GT": ">",
    "GE": ">=",
    "BETWEEN": "between",
    "BEGINS_WITH": "begins_with",
}


def expected_condition(
    expected: Mapping[str, shapes.ExpectedAttributeValue], conditional_operator: str | None
) -> nodes.Condition:
    """What Expected asks of an item.

    Raises:
        ValidationError: members contradict one another, or a value does not fit its operator.
    """
    parts = [_expectation(name, each) for name, each in expected.items()]
    return _joined(parts, conditional_operator)


def filter_condition(
    conditions: Mapping[str, shapes.Condition], conditional_operator: str | None
) -> nodes.Condition:
    """What QueryFilter or ScanFilter asks of an item.

    Raises:
        ValidationError: a value does not fit its operator.
    """
    parts = [
        _comparison(name, each.comparison_operator, each.attribute_value_list or [])
        for name, each in conditions.items()
    ]
    return _joined(parts, conditional_operator)


def legacy_key_condition(
    schema: KeySchema, conditions: Mapping[str, shapes.Condition]
) -> KeyCondition:
    """What KeyConditions asks of the keys.

    Raises:
        ValidationError: it asks what keys cannot be asked.
    """
    if not 1 <= len(conditions) <= 2:
        raise ValidationError("Conditions can be of length 1 or 2 only")
    if schema.hash not in conditions:
        raise missed(schema.hash)
    bounds = {}
    for name, each in conditions.items():
        values = each.attribute_value_list or []
        _comparison(name, each.comparison_operator, values)
        operator = _BOUNDS.get(each.comparison_operator)
        if operator is None:
            raise ValidationError("Attempted conditional constraint is not an indexable operation")
        bounds[name] = Bound(operator, values[0], values[1] if len(values) > 1 else None)
    return key_condition(schema, bounds)


def _joined(parts: Sequence[nodes.Condition], conditional_operator: str | None) -> nodes.Condition:
    return nodes.Any(tuple(parts)) if conditional_operator == "OR" else nodes.All(tuple(parts))


def _expectation(name: str, expected: shapes.ExpectedAttributeValue) -> nodes.Condition:
    place = f"for Attribute: {name}"
    if expected.comparison_operator is not None:
        if expected.exists is not None:
            raise invalid(f"Exists and ComparisonOperator cannot be used together {place}")
        if expected.value is not None and expected.attribute_value_list is not None:
            raise invalid(f"Value and AttributeValueList cannot be used together {place}")
        values = expected.attribute_value_list or []
        if expected.value is not None:
            values = [expected.value]
        return _comparison(name, expected.comparison_operator, values)
    if expected.attribute_value_list is not None:
        raise invalid(f"AttributeValueList can only be used with a ComparisonOperator {place}")
    if expected.exists is False:
        if expected.value is not None:
            raise invalid(f"Value cannot be used when Exists is false {place}")
        return nodes.Not(nodes.Exists((name,)))
    if expected.value is None:
        shown = "null" if expected.exists is None else "true"
        raise invalid(f"Value must be provided when Exists is {shown} {place}")
    check(expected.value)
    return nodes.Compare("=", At((name,)), Literally(expected.value))


def _comparison(name: str, operator: str, values: Sequence[Value]) -> nodes.Condition:
    """One attribute's condition."""
    for value in values:
        check(value)
    wanted = _COUNTS.get(operator, 1)
    if len(values) != wanted and not (operator == "IN" and values):
        raise invalid(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    allowed = _KINDS.get(operator)
    for value in values:
        if allowed is not None and kind_of(value) not in allowed:
            raise invalid(
                f"ComparisonOperator {operator} is not valid for {kind_of(value)} "
                "AttributeValue type"
            )
    at = At((name,))
    literals = tuple(Literally(value) for value in values)
    match operator:
        case "NULL":
            return nodes.Not(nodes.Exists((name,)))
        case "NOT_NULL":
            return nodes.Exists((name,))
        case "IN":
            return nodes.In(at, literals)
        case "BETWEEN":
            low, high = values
            if kind_of(low) != kind_of(high):
                raise invalid(
                    "AttributeValues inside AttributeValueList must all be of the same type"
                )
            if compares(">", low, high):
                raise ValidationError(
                    "The BETWEEN condition was provided a range where the lower bound is greater "
                    "than the upper bound"
                )
            return nodes.Between(at, *literals)
        case "BEGINS_WITH":
            return nodes.BeginsWith(at, literals[0])
        case "CONTAINS":
            return nodes.Contains(at, literals[0])
        case "NOT_CONTAINS":
            return nodes.Not(nodes.Contains(at, literals[0]))
        case _:
            return nodes.Compare(_COMPARATORS[operator], at, literals[0])
