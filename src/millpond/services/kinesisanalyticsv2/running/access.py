"""The credentials that a running application calls AWS with: lent, renewed, and ended."""

from collections.abc import Awaitable, Callable

from millpond.engines.streams.interface import Access
from millpond.kernel.call import Call
from millpond.kernel.credentials import Credential
from millpond.kernel.tasks import Task
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.role import ACTIONS, SESSION, role_name

LIFETIME_SECONDS = 12 * 3600
RENEWED_SECONDS = LIFETIME_SECONDS // 2


class Lending:
    """`note` writes down the id of what is lent, so that it is ended also after a crash."""

    def __init__(self, needs: Needs, task: Task, note: Callable[[str], Awaitable[None]]) -> None:
        self._needs, self._task, self._note = needs, task, note
        self._credential: Credential | None = None
        self._issued_ms = 0

    async def lend(self, role: str, former: str) -> Access:
        """Access for the process; the credentials of id `former` ("" for none) end."""
        needs = self._needs
        credential = await needs.credentials.issue(
            role=role_name(role),
            session_name=SESSION,
            actions=ACTIONS,
            lifetime_seconds=LIFETIME_SECONDS,
        )
        await self._note(credential.access_key_id)
        if former:
            await needs.credentials.revoke(former)
        self._credential, self._issued_ms = credential, needs.clock.now_ms()
        return Access(
            endpoint=needs.endpoint(),
            region=self._task.region,
            access_key_id=credential.access_key_id,
            secret_access_key=credential.secret_access_key,
            session_token=credential.session_token,
        )

    def seconds_left(self) -> float:
        """How long until they are to be renewed."""
        age_ms = self._needs.clock.now_ms() - self._issued_ms
        return max(RENEWED_SECONDS - age_ms / 1000, 0.0)

    def call(self) -> Call:
        """A call in the application's name, from this process."""
        assert self._credential is not None
        needs, task = self._needs, self._task
        return Call(
            service="kinesisanalyticsv2",
            operation="StartApplication",
            account=task.account,
            region=task.region,
            principal=self._credential.principal,
            request_id=needs.ids.uuid(),
            endpoint=needs.endpoint(),
        )
