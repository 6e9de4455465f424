"""AttributeUpdates.

Source: DynamoDB developer guide, Legacy conditional parameters: AttributeUpdates.
"""

from collections.abc import Mapping

from millpond.services.dynamodb import shapes
from millpond.services.dynamodb.errors import invalid
from millpond.services.dynamodb.model.expressions.nodes import (
    Action,
    Add,
    Delete,
    Literally,
    Remove,
    Set,
    Update,
)
from millpond.services.dynamodb.model.values import check, kind_of

_ADDED = frozenset(("N", "L", "SS", "NS", "BS"))
_DELETED = frozenset(("SS", "NS", "BS"))


def attribute_update(updates: Mapping[str, shapes.AttributeValueUpdate]) -> Update:
    """What AttributeUpdates does. Where there is no item, only PUT and ADD make one.

    Raises:
        ValidationError: a value is missing, or its type does not fit its action.
    """
    actions = tuple(_action(name, update) for name, update in updates.items())
    makes_items = not actions or not all(isinstance(action, Remove | Delete) for action in actions)
    return Update(actions, makes_items)


def _action(name: str, update: shapes.AttributeValueUpdate) -> Action:
    path, value, action = (name,), update.value, update.action or "PUT"
    if value is None:
        if action == "DELETE":
            return Remove(path)
        raise invalid("Only DELETE action is allowed when no attribute value is specified")
    check(value)
    kind = kind_of(value)
    if action == "PUT":
        return Set(path, Literally(value))
    if action == "ADD":
        if kind not in _ADDED:
            raise invalid(f"ADD action is not supported for the type {kind}")
        return Add(path, value, append=True)
    if kind not in _DELETED:
        raise invalid(f"DELETE action with value is not supported for the type {kind}")
    return Delete(path, value)
