"""Does an update to an item.

All values come from the item as it was; what it held is copied only along the paths that change.
Places in lists are those of the list as it was too: removals come last, the highest place first.
"""

from collections.abc import Mapping

from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model import numbers
from millpond.services.dynamodb.model.expressions.evaluate import value_at
from millpond.services.dynamodb.model.expressions.nodes import (
    Add,
    Arithmetic,
    At,
    Delete,
    IfNotExists,
    ListAppend,
    Literally,
    Path,
    Remove,
    Set,
    Source,
    Update,
)
from millpond.services.dynamodb.model.values import Item, Value, kind_of, set_like, set_of

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_PLACE = "The document path provided in the update expression is invalid for update"


def apply_update(update: Update, item: Mapping[str, Value]) -> Item:
    """The item after the update; `item` stays as it is.

    Raises:
        ValidationError: an operand is missing or has the wrong type, a path leads nowhere, or a
            number gets out of range.
    """
    new = dict(item)
    removed: list[Path] = []
    for action in update.actions:
        match action:
            case Set(path, source):
                _put(new, path, _value(source, item))
            case Add(path, value):
                _put(new, path, _sum(value_at(item, path), value, grows=action.append))
            case Delete(path, value):
                left = _without(value_at(item, path), value)
                if left is not None:
                    _put(new, path, left)
                elif value_at(item, path) is not None:
                    removed.append(path)
            case Remove(path):
                removed.append(path)
    for path in sorted(removed, key=_removal_order):
        _remove(new, path)
    return new


def check_keys_stay(update: Update, names: tuple[str, ...]) -> None:
    """Refuse an update of a key attribute.

    Raises:
        ValidationError: naming it.
    """
    for action in update.actions:
        if action.path[0] in names:
            raise invalid(
                f"Cannot update attribute {action.path[0]}. This attribute is part of the key"
            )


def _removal_order(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((-part, "") if isinstance(part, int) else (0, part) for part in path)


def _value(source: Source, item: Mapping[str, Value]) -> Value:
    match source:
        case Literally(value):
            return value
        case At(path):
            found = value_at(item, path)
            if found is None:
                raise ValidationError(
                    "The provided expression refers to an attribute that does not exist in the item"
                )
            return found
        case IfNotExists(path, otherwise):
            return value_at(item, path) or _value(otherwise, item)
        case ListAppend(left, right):
            lists = [_value(each, item).l for each in (left, right)]
            if lists[0] is None or lists[1] is None:
                raise ValidationError(_WRONG_TYPE)
            return Value(l=[*lists[0], *lists[1]])
        case Arithmetic(operator, left, right):
            one, other = _value(left, item).n, _value(right, item).n
            if one is None or other is None:
                raise ValidationError(_WRONG_TYPE)
            combine = numbers.add if operator == "+" else numbers.subtract
            return Value(n=combine(one, other))


def _sum(old: Value | None, value: Value, *, grows: bool) -> Value:
    if old is None:
        return value
    if old.n is not None and value.n is not None:
        return Value(n=numbers.add(old.n, value.n))
    if grows and old.l is not None and value.l is not None:
        return Value(l=[*old.l, *value.l])
    held, more = set_of(old), set_of(value)
    if held is None or more is None or kind_of(old) != kind_of(value):
        raise ValidationError(_WRONG_TYPE)
    return set_like(value, {*held, *more})


def _without(old: Value | None, value: Value) -> Value | None:
    """What is left of a set; None when that is nothing."""
    if old is None:
        return None
    held, less = set_of(old), set_of(value)
    if held is None or less is None or kind_of(old) != kind_of(value):
        raise ValidationError(_WRONG_TYPE)
    left = [element for element in held if element not in less]
    return set_like(old, left) if left else None  # type: ignore[arg-type]


def _put(item: Item, path: Path, value: Value) -> None:
    """Put `value` at `path` of an item that is ours."""
    _place(_open(item, path), path[-1], value)


def _place(parent: Item | list[Value], part: str | int, value: Value) -> None:
    """Put `value` into a map or list; beyond a list's end it is appended."""
    if isinstance(part, str) and isinstance(parent, dict):
        parent[part] = value
    elif isinstance(part, int) and isinstance(parent, list):
        if part < len(parent):
            parent[part] = value
        else:
            parent.append(value)
    else:
        raise ValidationError(_NO_PLACE)


def _remove(item: Item, path: Path) -> None:
    *_, last = path
    parent = _open(item, path)
    if isinstance(last, str):
        if not isinstance(parent, dict):
            raise ValidationError(_NO_PLACE)
        parent.pop(last, None)
        return
    if not isinstance(parent, list):
        raise ValidationError(_NO_PLACE)
    if last < len(parent):
        del parent[last]


def _open(item: Item, path: Path) -> Item | list[Value]:
    """What holds the last part of `path`: a copy, in the place of what it copies."""
    parent: Item | list[Value] = item
    for part in path[:-1]:
        child: Value | None = None
        if isinstance(part, str):
            child = parent.get(part) if isinstance(parent, dict) else None
        elif isinstance(parent, list) and part < len(parent):
            child = parent[part]
        held: Item | list[Value]
        if child is not None and child.m is not None:
            held = dict(child.m)
            _place(parent, part, Value(m=held))
        elif child is not None and child.l is not None:
            held = list(child.l)
            _place(parent, part, Value(l=held))
        else:
            raise ValidationError(_NO_PLACE)
        parent = held
    return parent
