"""Canonical user ids: 64 hexadecimal digits that stand for an account in S3's answers."""

import hashlib
from functools import cache


@cache
def canonical_id(account: str) -> str:
    """An account's canonical user id; the same account always has the same."""
    return hashlib.sha256(b"canonical user\x00" + account.encode()).hexdigest()
