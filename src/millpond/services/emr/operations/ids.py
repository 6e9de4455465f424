"""Ids as EMR and EC2 make them."""

from millpond.kernel.ids import Ids

_LENGTH = 13
_EC2_SIZE_BYTES = 9


def fresh(ids: Ids, prefix: str) -> str:
    """A new id: `j-2AXXXXXXGAPLF` (also `s-`, `ig-`, `if-`, `ci-`), or EC2's `i-0b22…`."""
    if prefix == "i-":
        return prefix + ids.hex(_EC2_SIZE_BYTES)[:17]
    return prefix + ids.alphanumeric(_LENGTH)
