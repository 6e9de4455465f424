"""The range of keys that a query's condition asks for."""

from millpond.services.dynamodb.model import numbers
from millpond.services.dynamodb.model.expressions.nodes import Bound, KeyCondition
from millpond.services.dynamodb.model.keys import (
    DIGEST_SIZE_BYTES,
    digest,
    order,
    order_of_bytes,
    plain_bytes,
)

Range = tuple[bytes, bytes]


def key_range(condition: KeyCondition) -> Range:
    """The beginning and the end of the places, below a table or index, that meet `condition`."""
    partition = digest(condition.partition)
    start, end = b"", None
    if condition.bound is not None:
        start, end = _bounds(condition.bound)
    return partition + start, after(partition) if end is None else partition + end


def _bounds(bound: Bound) -> tuple[bytes, bytes | None]:
    """Where the bytes of sort keys begin and end; None for the end of the partition.

    A sort key's bytes end so that no other's begin with them, but what follows them in an index
    does: `after` them is after all entries of that sort key.
    """
    if bound.operator == "begins_with":
        beginning = plain_bytes(bound.first)
        stripped = beginning.rstrip(b"\xff")
        end = order_of_bytes(after(beginning)) if stripped else None
        return order_of_bytes(beginning), end
    first = order(bound.first)
    match bound.operator:
        case "<":
            return b"", first
        case "<=":
            return b"", after(first)
        case ">":
            return after(first), None
        case ">=":
            return first, None
        case "between":
            assert bound.second is not None
            return first, after(order(bound.second))
        case _:
            return first, after(first)


def after(beginning: bytes) -> bytes:
    """The smallest bytes after all that begin with `beginning`."""
    stripped = beginning.rstrip(b"\xff")
    if not stripped:
        return b"\xff" * (len(beginning) + 1)
    return stripped[:-1] + bytes([stripped[-1] + 1])


def expiry_range(first_seconds: int, last_seconds: int) -> Range:
    """The range of entries in the order of expiry, between two times (included)."""
    partition = bytes(DIGEST_SIZE_BYTES)
    first, last = numbers.encode(str(first_seconds)), numbers.encode(str(last_seconds))
    return partition + first, partition + after(last)
