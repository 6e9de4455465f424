"""Real servers, and a delivery stream without its engine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from millpond.app.outgoing import HttpOutgoing
from millpond.kernel.clock import ManualClock
from millpond.services.firehose.delivery.interface import Batch, Record

ARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks"
BATCH_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ARRIVAL_MS = 1_456_405_200_000
"""2016-02-25 13:00 UTC."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        app = web.Application(client_max_size=128 << 20)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await handler(request)

        app.router.add_post("/{path:.*}", handle)
        runners.append(web.AppRunner(app, shutdown_timeout=0.1))
        await runners[-1].setup()
        site = web.TCPSite(runners[-1], "127.0.0.1", 0)
        await site.start()
        server: Any = site._server
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def needs() -> AsyncIterator[Any]:
    outgoing = HttpOutgoing()
    yield SimpleNamespace(outgoing=outgoing, clock=ManualClock(1_700_000_000_123))
    await outgoing.close()


@pytest.fixture
def delivery_to() -> Callable[[Any], Any]:
    return lambda destination: SimpleNamespace(arn=ARN, name="clicks", destination=destination)


@pytest.fixture
def batch_of() -> Callable[..., Batch]:
    def make(*data: bytes, attempt: int = 1) -> Batch:
        records = [Record(one, ARRIVAL_MS, str(at)) for at, one in enumerate(data)]
        return Batch(BATCH_ID, records, attempt)

    return make
