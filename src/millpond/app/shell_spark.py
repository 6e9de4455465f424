"""Spark for the programs of a shell: the door, and the engine that it opens to.

The engine is one more cluster: capped and confined like those of EMR, with temporary credentials
of its own, which end with it.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from millpond.app.config import Settings
from millpond.app.spark_door import Engine, EngineMissing, SparkDoor
from millpond.engines.spark.interface import Access, CannotStart, Cluster, Order, Spark
from millpond.kernel.clock import Clock
from millpond.kernel.credentials import Credential, CredentialsIssuer

ROLE = "millpond-shell"
_LIFETIME_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class _ShellEngine:
    """A cluster whose credentials end with it."""

    cluster: Cluster
    credential: Credential
    credentials: CredentialsIssuer

    @property
    def address(self) -> tuple[str, int]:
        return self.cluster.address

    @property
    def is_running(self) -> bool:
        return self.cluster.is_running

    async def stop(self) -> None:
        await self.cluster.stop()
        await self.credentials.revoke(self.credential.access_key_id)


class ShellSpark:
    """Listens from `open` until `close`. `endpoint` tells where the platform answers."""

    def __init__(
        self,
        settings: Settings,
        spark: Spark,
        credentials: CredentialsIssuer,
        clock: Clock,
        endpoint: Callable[[], str],
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self._settings = settings
        self._spark = spark
        self._credentials = credentials
        self._endpoint = endpoint
        self._door = SparkDoor(self.token, self._start, clock, settings.spark_idle_seconds)

    async def open(self) -> str:
        """Listen; what SPARK_REMOTE has to be.

        Raises:
            OSError: the port is taken.
        """
        port = await self._door.open(self._settings.spark_port)
        return f"sc://localhost:{port}"

    async def close(self) -> None:
        await self._door.close()

    async def _start(self) -> Engine:
        credential = await self._credentials.issue(
            role=ROLE, session_name="spark", actions=("*",), lifetime_seconds=_LIFETIME_SECONDS
        )
        access = Access(
            endpoint=self._endpoint(),
            region=self._settings.region,
            access_key_id=credential.access_key_id,
            secret_access_key=credential.secret_access_key,
            session_token=credential.session_token,
        )
        folder = self._settings.data / "shell"
        try:
            cluster = await self._spark.start(Order(name="shell", folder=folder, access=access))
        except CannotStart as error:
            await self._credentials.revoke(credential.access_key_id)
            raise EngineMissing(str(error)) from error
        return _ShellEngine(cluster, credential, self._credentials)
