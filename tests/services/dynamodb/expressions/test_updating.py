"""What updates do to an item, against a model that does the simple thing."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.dynamodb.errors import ValidationError
from millpond.services.dynamodb.model.expressions.apply import apply_update
from millpond.services.dynamodb.model.expressions.evaluate import value_at
from millpond.services.dynamodb.model.expressions.tokens import Cursor, Substitutes
from millpond.services.dynamodb.model.expressions.updates import parse_update
from millpond.services.dynamodb.model.values import Item, Value

NO_PLACE = "The document path provided in the update expression is invalid for update"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
VALUES = {
    ":1": Value(n="1"),
    ":5": Value(n="5"),
    ":s": Value(s="new"),
    ":l": Value(l=[Value(n="7")]),
    ":ss": Value(ss=["b", "c"]),
    ":all": Value(ss=["a", "b"]),
    ":m": Value(m={}),
}


def item() -> Item:
    return {
        "n": Value(n="10"),
        "s": Value(s="old"),
        "ss": Value(ss=["a", "b"]),
        "l": Value(l=[Value(n="0"), Value(n="1"), Value(n="2")]),
        "m": Value(m={"a": Value(n="1"), "deep": Value(m={"x": Value(l=[Value(s="y")])})}),
    }


def after(text: str, start: Item | None = None) -> Item:
    used = {name: value for name, value in VALUES.items() if name in text}
    update = parse_update(text, Substitutes(None, used or None))
    return apply_update(update, item() if start is None else start)


def numbers(*texts: str) -> Value:
    return Value(l=[Value(n=text) for text in texts])


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ("SET s = :s", "s", Value(s="new")),
        ("SET n = n + :5", "n", Value(n="15")),
        ("SET n = :5 - n", "n", Value(n="-5")),
        ("SET x = n", "x", Value(n="10")),
        ("SET x = if_not_exists(x, :1)", "x", Value(n="1")),
        ("SET n = if_not_exists(n, :1) + :1", "n", Value(n="11")),
        ("SET l = list_append(l, :l)", "l", numbers("0", "1", "2", "7")),
        ("SET l = list_append(:l, l)", "l", numbers("7", "0", "1", "2")),
        ("SET x = list_append(if_not_exists(x, :l), :l)", "x", numbers("7", "7")),
        ("SET l[1] = :5", "l", numbers("0", "5", "2")),
        ("SET l[9] = :5", "l", numbers("0", "1", "2", "5")),
        ("SET m.a = m.a + :1", "m.a", Value(n="2")),
        ("SET m.deep.x[0] = :s", "m.deep.x[0]", Value(s="new")),
        ("REMOVE l[0], l[2]", "l", numbers("1")),
        ("REMOVE l[0] SET l[1] = :5", "l", numbers("5", "2")),
        ("REMOVE s", "s", None),
        ("REMOVE m.a", "m.a", None),
        ("REMOVE absent", "absent", None),
        ("ADD n :5", "n", Value(n="15")),
        ("ADD x :5", "x", Value(n="5")),
        ("ADD ss :ss", "ss", Value(ss=["a", "b", "c"])),
        ("ADD m.added :1", "m.added", Value(n="1")),
        ("DELETE ss :ss", "ss", Value(ss=["a"])),
        ("DELETE ss :all", "ss", None),
        ("DELETE x :ss", "x", None),
        ("SET s = n, n = :1", "s", Value(n="10")),
    ],
)
def test_what_an_update_makes(text: str, attribute: str, value: Value | None) -> None:
    path = Cursor("Path", attribute, Substitutes()).path()
    assert value_at(after(text), path) == value


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("SET x = absent", "The provided expression refers to an attribute that does not exist in "
         "the item"),
        ("SET x.y = :1", NO_PLACE),
        ("SET s.y = :1", NO_PLACE),
        ("SET s[0] = :1", NO_PLACE),
        ("REMOVE x.y", NO_PLACE),
        ("SET n = n + s", WRONG_TYPE),
        ("SET l = list_append(l, s)", WRONG_TYPE),
        ("ADD s :1", WRONG_TYPE),
        ("ADD n :ss", WRONG_TYPE),
        ("DELETE n :ss", WRONG_TYPE),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_item_is_refused(text: str, refusal: str) -> None:
    with pytest.raises(ValidationError) as refused:
        after(text)
    assert refused.value.message == refusal


def test_the_old_item_stays_as_it_was() -> None:
    start = item()
    kept = copy.deepcopy(start)
    after("SET m.deep.x[0] = :s, l[0] = :5, m.b = :m REMOVE m.a, l[1] ADD ss :ss", start)
    assert start == kept


NAMES = st.sampled_from("abc")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)


def nested() -> Any:
    leaf = st.integers(0, 3)
    return st.recursive(leaf, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)


def to_value(plain: Any) -> Value:
    if isinstance(plain, dict):
        return Value(m={name: to_value(inner) for name, inner in plain.items()})
    return Value(n=str(plain))


def naively(start: dict[str, Any], path: tuple[str, ...], number: int | None) -> dict[str, Any]:
    """Set or remove (None) one path of nested dicts; KeyError where it leads nowhere."""
    new = copy.deepcopy(start)
    parent: Any = new
    for name in path[:-1]:
        parent = parent[name]
        if not isinstance(parent, dict):
            raise KeyError(name)
    if number is None:
        parent.pop(path[-1], None)
    else:
        parent[path[-1]] = number
    return new


@given(st.dictionaries(NAMES, nested(), max_size=3), PATHS, st.none() | st.integers(0, 9))
def test_paths_are_set_and_removed_as_in_nested_dicts(
    start: dict[str, Any], path: tuple[str, ...], number: int | None
) -> None:
    names = {f"#{name}": name for name in path}
    text = ".".join(f"#{name}" for name in path)
    given = Substitutes(names, None if number is None else {":v": Value(n=str(number))})
    update = parse_update(f"REMOVE {text}" if number is None else f"SET {text} = :v", given)
    whole = to_value(start).m
    assert whole is not None
    try:
        expected = to_value(naively(start, path, number)).m
    except KeyError:
        with pytest.raises(ValidationError):
            apply_update(update, whole)
        return
    assert apply_update(update, whole) == expected
