"""Keys of items in bytes: their order is that of the values."""

from hypothesis import example, given
from hypothesis import strategies as st

from millpond.engines.records.interface import KEY_SIZE_BYTES_MAX
from millpond.services.dynamodb.model.expressions.nodes import Bound, KeyCondition
from millpond.services.dynamodb.model.keys import order, order_of_bytes, place_of
from millpond.services.dynamodb.model.ranges import key_range
from millpond.services.dynamodb.model.tables import KeySchema
from millpond.services.dynamodb.model.values import Value

BYTES = st.binary(max_size=20) | st.lists(st.sampled_from((0, 1, 254, 255)), max_size=20).map(bytes)
TAIL = bytes(16)


@given(BYTES, BYTES)
@example(b"", b"\x00")
@example(b"12345678", b"12345678\x00")
def test_binary_sort_keys_keep_their_order(one: bytes, other: bytes) -> None:
    left, right = order_of_bytes(one), order_of_bytes(other)
    assert (left < right) == (one < other)
    if one != other:
        assert not left.startswith(right)


@given(st.text(max_size=12), st.text(max_size=12))
def test_strings_are_in_the_order_of_their_utf_8(one: str, other: str) -> None:
    assert (order(Value(s=one)) < order(Value(s=other))) == (one.encode() < other.encode())


@given(BYTES, BYTES, BYTES, st.sampled_from(("=", "<", "<=", ">", ">=", "between", "begins_with")))
@example(b"\xff\xff\xff", b"\xff\xff", b"", "begins_with")
@example(b"\xff", b"", b"", "begins_with")
def test_a_range_holds_what_meets_its_bound(
    key: bytes, first: bytes, second: bytes, operator: str
) -> None:
    partition = Value(s="p")
    bound = Bound(operator, Value(b=first), Value(b=second) if operator == "between" else None)  # type: ignore[arg-type]
    start, end = key_range(KeyCondition(partition, bound))
    item = {"p": partition, "s": Value(b=key)}
    place = place_of(KeySchema("p", "S", "s", "B"), item) + TAIL
    holds = {
        "=": key == first,
        "<": key < first,
        "<=": key <= first,
        ">": key > first,
        ">=": key >= first,
        "between": first <= key <= second,
        "begins_with": key.startswith(first),
    }
    assert (start <= place < end) == holds[operator]


def test_the_longest_keys_fit_into_records() -> None:
    item = {"p": Value(s="p" * 2048), "s": Value(b=b"\x00" * 1024)}
    place = place_of(KeySchema("p", "S", "s", "B"), item)
    assert len(b"dynamodb\x00entry\x00" + bytes(16) + place + TAIL) <= KEY_SIZE_BYTES_MAX
