"""Access keys: what a signature is checked against, and what the platform lends to jobs."""

from dataclasses import dataclass, field
from typing import Protocol

from millpond.kernel.call import Principal


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key. A temporary one has a session token and ends at `expires_ms`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    principal: Principal
    session_token: str | None = field(default=None, repr=False)
    expires_ms: int | None = None


class Credentials(Protocol):
    """Finds access keys."""

    async def find(self, access_key_id: str) -> Credential | None: ...


class CredentialsIssuer(Protocol):
    """Lends temporary credentials to a job of the platform's own."""

    async def issue(
        self, *, role: str, session_name: str, actions: tuple[str, ...], lifetime_seconds: int
    ) -> Credential:
        """Credentials of the assumed role `role` (its name), durable before this returns."""
        ...

    async def assign(
        self,
        access_key_id: str,
        *,
        role: str,
        session_name: str,
        actions: tuple[str, ...],
        lifetime_seconds: int,
    ) -> Credential:
        """Make credentials that were lent those of another assumed role, durable before this
        returns; their keys and token stay, so that whoever has them goes on with them.

        Raises:
            LookupError: they were revoked.
        """
        ...

    async def revoke(self, access_key_id: str) -> None:
        """End them now."""
        ...
