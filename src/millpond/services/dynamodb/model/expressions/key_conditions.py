"""Reads KeyConditionExpression: one partition, and at most one bound of the sort key."""

from collections.abc import Mapping
from typing import cast

from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model.expressions.conditions import parse_condition
from millpond.services.dynamodb.model.expressions.nodes import (
    All,
    Any,
    At,
    BeginsWith,
    Between,
    Bound,
    BoundOperator,
    Compare,
    Condition,
    KeyCondition,
    Literally,
    Operand,
)
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.tables import KeyKind, KeySchema
from millpond.services.dynamodb.model.values import Value, kind_of

_PARAMETER = "KeyConditionExpression"
NOT_SUPPORTED = "Query key condition not supported"
_MIRRORED: Mapping[str, BoundOperator] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def parse_key_condition(schema: KeySchema, text: str, substitutes: Substitutes) -> KeyCondition:
    """The condition on the keys of `schema` that `text` says.

    Raises:
        ValidationError: it is none, or asks what keys cannot be asked.
    """
    condition = parse_condition(_PARAMETER, text, substitutes)
    parts = condition.conditions if isinstance(condition, All) else (condition,)
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.conditions if isinstance(part, All) else (part,))
    by_name: dict[str, Condition] = {}
    for part in flat:
        name = _name(part)
        if name in by_name:
            raise ValidationError(
                f"Invalid {_PARAMETER}: KeyConditionExpressions must only contain one condition "
                "per key"
            )
        by_name[name] = part
    if len(by_name) > 2:
        raise ValidationError("Conditions can be of length 1 or 2 only")
    partition = by_name.pop(schema.hash, None)
    if partition is None:
        raise missed(schema.hash)
    bounds = {schema.hash: _bound(partition)}
    bounds |= {name: _bound(part) for name, part in by_name.items()}
    return key_condition(schema, bounds)


def key_condition(schema: KeySchema, bounds: Mapping[str, Bound]) -> KeyCondition:
    """The condition that bounds of key attributes make; there is one of the partition key.

    Raises:
        ValidationError: one is of another attribute or type, or no equality where it must be.
    """
    partition = bounds[schema.hash]
    if partition.operator != "=":
        raise ValidationError(NOT_SUPPORTED)
    _check_kind(partition.first, schema.hash_kind)
    if len(bounds) == 1:
        return KeyCondition(partition.first)
    bound = bounds.get(schema.range) if schema.range else None
    if bound is None:
        raise missed(schema.range)
    _check_kind(bound.first, schema.range_kind)
    if bound.second is not None:
        _check_kind(bound.second, schema.range_kind)
    return KeyCondition(partition.first, bound)


def missed(name: str) -> ValidationError:
    """The refusal of a query that says nothing of a key attribute it must speak of."""
    if name:
        return ValidationError(f"Query condition missed key schema element: {name}")
    return ValidationError(NOT_SUPPORTED)


def _check_kind(value: Value, kind: KeyKind) -> None:
    if kind_of(value) != kind:
        raise invalid("Condition parameter type does not match schema type")


def _name(condition: Condition) -> str:
    match condition:
        case Compare(_, left, right):
            operand = left if isinstance(left, At) else right
        case Between(operand, _, _) | BeginsWith(operand, _):
            pass
        case Any():
            raise _refused_operator("OR")
        case _:
            raise ValidationError(NOT_SUPPORTED)
    if not isinstance(operand, At):
        raise ValidationError(NOT_SUPPORTED)
    if len(operand.path) > 1:
        raise ValidationError(
            f"Invalid {_PARAMETER}: KeyConditionExpressions cannot have conditions on nested "
            "attributes"
        )
    return str(operand.path[0])


def _bound(condition: Condition) -> Bound:
    match condition:
        case Compare("<>", _, _):
            raise _refused_operator("<>")
        case Compare(operator, At(), right):
            return Bound(cast(BoundOperator, operator), _literal(right))
        case Compare(operator, left, At()):
            return Bound(_MIRRORED[operator], _literal(left))
        case Between(_, low, high):
            return Bound("between", _literal(low), _literal(high))
        case BeginsWith(_, start):
            return Bound("begins_with", _literal(start))
        case _:
            raise ValidationError(NOT_SUPPORTED)


def _literal(operand: Operand) -> Value:
    if not isinstance(operand, Literally):
        raise ValidationError(NOT_SUPPORTED)
    return operand.value


def _refused_operator(operator: str) -> ValidationError:
    return ValidationError(f"Invalid operator used in {_PARAMETER}: {operator}")
