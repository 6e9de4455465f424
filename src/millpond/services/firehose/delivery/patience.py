"""Waiting for what fails for now, without missing what changes meanwhile.

What fails in a way that nobody foresaw (a mistake of ours, or of a library) may fail for ever. So
that one record never holds up those behind it, whoever can do without says so: `broken`.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from millpond.kernel.errors import EngineError, ServiceError
from millpond.kernel.tasks import Wake
from millpond.services.firehose import store
from millpond.services.firehose.delivery.context import StreamDelivery
from millpond.services.firehose.delivery.interface import NotNow
from millpond.services.firehose.model.stream import DeliveryStream
from millpond.services.firehose.needs import Needs

PAUSE_SECONDS_MIN = 1.0
PAUSE_SECONDS_MAX = 60.0
LOOK_MS = 60_000
FAULTS_MAX = 3
"""How often work may fail unforeseen before it is taken to be broken."""
INTERNAL_ERROR = "InternalError"

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")


class Stopped(Exception):
    """The platform ends: what is under way is taken up at the next start."""


class Changed(Exception):
    """The delivery stream is another one now: begin again from what is written down."""


class GivenUp(Exception):
    """It failed once, and there is no time to try again."""


def words_of(fault: Exception) -> str:
    """What is told of a fault that nobody foresaw."""
    return f"{type(fault).__name__}: {fault}"[:1000]


@dataclass(slots=True)
class Patience:
    """Tries again and again for one version of a delivery stream. `is_short`: tries once."""

    needs: Needs
    wake: Wake
    delivery: StreamDelivery
    is_short: bool = False
    _looked_ms: int = 0

    async def until_done(
        self,
        work: Callable[[], Awaitable[_T]],
        failed: Callable[[], None] | None = None,
        broken: Callable[[str], Awaitable[_T]] | None = None,
        faults_max: int = FAULTS_MAX,
    ) -> _T:
        """What `work` answers, once it does; after `faults_max` unforeseen faults what `broken`
        answers, which is told of the last one. Without `broken` the first of them is raised.

        Raises:
            Stopped, Changed: while it failed.
            GivenUp: it failed, and patience is short.
        """
        pause = PAUSE_SECONDS_MIN
        faults = 0
        while True:
            try:
                return await work()
            except NotNow as error:
                self.delivery.tell(error.code, error.message)
            except ServiceError as error:
                self.delivery.tell(error.code, error.message)
            except (EngineError, OSError, MemoryError) as error:
                self.delivery.tell(INTERNAL_ERROR, str(error))
            except (Stopped, Changed, GivenUp):
                raise
            except Exception as error:
                if broken is None:
                    raise
                text = words_of(error)
                self.delivery.tell(INTERNAL_ERROR, text)
                _logger.exception("Delivery stream %s: a fault.", self.delivery.name)
                faults += 1
                if faults >= faults_max:
                    return await broken(text)
            if failed is not None:
                failed()
            await self.pause(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def pause(self, seconds: float) -> None:
        """Wait before trying again."""
        await self.delivery.write_log()
        if self.is_short:
            raise GivenUp
        await self.rest(seconds)

    async def rest(self, seconds: float) -> None:
        """Wait; what was written meanwhile is looked at."""
        if await self.wake.wait(seconds):
            await self.look()

    async def look_now_and_then(self) -> None:
        """Look, if that was not done for a while: a wait that is cut short may miss a waking."""
        if self.wake.stopping or self.needs.clock.now_ms() - self._looked_ms > LOOK_MS:
            await self.look()

    async def look(self) -> None:
        """Raises: Stopped, Changed: if so."""
        if self.wake.stopping:
            raise Stopped
        self._looked_ms = self.needs.clock.now_ms()
        stream = self.delivery.stream
        async with self.needs.records.transaction() as transaction:
            now = await store.load_stream(transaction, stream, stream.name)
        if now is None or _what_matters(now) != _what_matters(stream):
            raise Changed


def _what_matters(stream: DeliveryStream) -> tuple[object, ...]:
    """What the engine has to begin again for."""
    return stream.id, stream.version, stream.status, stream.data_keys
