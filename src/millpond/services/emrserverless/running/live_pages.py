"""The pages that drivers show while they run: Spark's own, on this machine."""

import asyncio
import contextlib

_HOST = "127.0.0.1"
_ANSWER_SECONDS_MAX = 1.0


class LivePages:
    """Ports by the id of the job run."""

    def __init__(self) -> None:
        self._ports: dict[str, int] = {}

    def show(self, run_id: str, port: int) -> None:
        self._ports[run_id] = port

    def hide(self, run_id: str) -> None:
        self._ports.pop(run_id, None)

    async def url(self, run_id: str) -> str | None:
        """The address of a run's page; None when there is none, or not yet."""
        port = self._ports.get(run_id)
        if port is None:
            return None
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                _, writer = await asyncio.open_connection(_HOST, port)
            writer.close()
            return f"http://{_HOST}:{port}/"
        return None
