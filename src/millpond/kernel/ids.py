"""Names that nobody can guess, from a source that tests can seed."""

import random
import secrets
import string
import uuid
from typing import Protocol

_UPPER_ALPHANUMERIC = string.ascii_uppercase + string.digits


class Ids(Protocol):
    """A source of fresh identifiers."""

    def hex(self, size_bytes: int) -> str:
        """`2 * size_bytes` hexadecimal digits."""
        ...

    def uuid(self) -> str:
        """A random UUID (version 4), in lower case with hyphens."""
        ...

    def alphanumeric(self, length: int) -> str:
        """`length` characters from A–Z and 0–9, as AWS uses in cluster, step and key ids."""
        ...


class SystemIds:
    """Identifiers from the operating system's entropy."""

    def hex(self, size_bytes: int) -> str:
        return secrets.token_hex(size_bytes)

    def uuid(self) -> str:
        return str(uuid.uuid4())

    def alphanumeric(self, length: int) -> str:
        return "".join(secrets.choice(_UPPER_ALPHANUMERIC) for _ in range(length))


class SeededIds:
    """The same identifiers on every run, for tests."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def hex(self, size_bytes: int) -> str:
        return self._random.randbytes(size_bytes).hex()

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def alphanumeric(self, length: int) -> str:
        return "".join(self._random.choice(_UPPER_ALPHANUMERIC) for _ in range(length))
