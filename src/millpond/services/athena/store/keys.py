"""Keys of records: `athena`, the account, the region, a kind, then what names the thing.

    group      name                       → WorkGroup
    tags       work group                 → its tags
    named      id                         → NamedQuery
    named-in   work group, id             → (empty)
    prepared   work group, name           → PreparedStatement
    execution  id                         → the execution
    ran-in     work group, newest first   → the execution's id

Work groups, statements and ids hold no NUL: their patterns in the API say so.
"""

from millpond.kernel.call import Scope


def key(scope: Scope, kind: str, *names: str) -> bytes:
    return "\x00".join(("athena", scope.account, scope.region, kind, *names)).encode()


def prefix(scope: Scope, kind: str, *names: str) -> bytes:
    """What the keys of everything below `names` begin with."""
    return key(scope, kind, *names) + b"\x00"


def last_name(key_bytes: bytes) -> str:
    return key_bytes.rpartition(b"\x00")[2].decode()
