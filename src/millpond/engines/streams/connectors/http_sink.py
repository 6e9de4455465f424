"""The `http-sink` connector: rows as JSON to a webhook, by POST or PUT.

In `batch` mode (unless told otherwise) a request holds an array of rows; in `single` mode, a row.
Each request says in `Millpond-Row-Ids` an id for each row, in order: it is made of the application,
the table and the row, so a receiver can tell a row that is sent again after a loss.

What a server refuses (4xx) is told in the log and not sent again; 408, 425, 429, 5xx and silence
are: with growing pauses, for five minutes, then the run begins again from its last checkpoint.

Source: GetInData's flink-http-connector 0.20; Apache Flink's HTTP connector.
"""

import asyncio
import hashlib
import random
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import aiohttp
import pyarrow as pa

from millpond.engines.streams.connectors import options
from millpond.engines.streams.connectors.batches import LINGER_SECONDS_DEFAULT, Batches, portions
from millpond.engines.streams.connectors.interface import SinkFailed, World
from millpond.engines.streams.formats.registry import make_encoder
from millpond.engines.streams.plan import Table

IDS_HEADER = "Millpond-Row-Ids"
PATIENCE_SECONDS = 300.0
_PREFIXES = ("gid.connector.http.", "http.")
_SIZE_BYTES_MAX = 5 << 20
_ROWS_MAX = 500
_TIMEOUT_SECONDS_DEFAULT = 30
_IN_FLIGHT_MAX_DEFAULT = 4
_PAUSE_SECONDS_MIN = 0.1
_PAUSE_SECONDS_MAX = 10.0
_ID_SIZE_BYTES = 9
_TOLD_CHARACTERS_MAX = 300
_RETRIED = frozenset({408, 425, 429})
_LOST = (aiohttp.ClientError, ConnectionError, TimeoutError)


class HttpSink:
    """Writes rows to a webhook."""

    def __init__(self, table: Table, world: World) -> None:
        self._world = world
        self._encoder = make_encoder(table)
        self._url = table.option("url") or ""
        self._method = (table.option("insert-method") or "POST").upper()
        self._headers = _headers_of(table)
        self._seed = hashlib.sha256(f"{world.application}\n{table.name}\n".encode())
        self._takes = _Codes(_option(table, "sink.error.code.exclude") or "")
        self._refuses = _Codes(_option(table, "sink.error.code") or "4XX,5XX")
        seconds = _option(table, "sink.request.timeout")
        self._seconds_max = options.whole(seconds) if seconds else _TIMEOUT_SECONDS_DEFAULT
        self._trusts = options.boolean(
            _option(table, "security.cert.server.allowSelfSigned") or "false"
        )
        self._is_single = (_option(table, "sink.writer.request.mode") or "batch") == "single"
        in_flight = table.option("sink.requests.max-inflight")
        threads = _option(table, "sink.writer.thread-pool.size")
        linger_ms = table.option("sink.flush-buffer.timeout")
        size = table.option("sink.flush-buffer.size")
        self._batches = Batches(
            self._send_all,
            size_bytes_max=options.whole(size) if size else _SIZE_BYTES_MAX,
            entries_max=1 if self._is_single else _rows_of_a_request(table),
            in_flight_max=int(in_flight or threads or _IN_FLIGHT_MAX_DEFAULT),
            linger_seconds=options.whole(linger_ms) / 1000 if linger_ms else LINGER_SECONDS_DEFAULT,
        )
        self._session: aiohttp.ClientSession

    async def open(self, committed: Any) -> None:
        """Make ready; nobody is asked before there are rows."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=not self._trusts),
            timeout=aiohttp.ClientTimeout(total=self._seconds_max),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def write(self, rows: pa.Table) -> None:
        """Send rows; waits while enough requests are on their way.

        Raises:
            SinkFailed: nobody has taken rows for too long.
        """
        async for part in portions(rows):
            records: Any = self._encoder.encode(part).to_pylist()
            await self._batches.add(records, list(map(len, records)))

    async def prepare(self, checkpoint: int) -> Any:
        """Wait until everything that was written is taken, or refused.

        Raises:
            SinkFailed: nobody has taken rows for too long.
        """
        await self._batches.drain()

    async def commit(self, checkpoint: int, prepared: Any) -> None:
        """Nothing is left to be done."""

    async def close(self) -> None:
        await self._batches.close()
        await self._session.close()

    async def _send_all(self, records: Sequence[bytes]) -> None:
        body = records[0] if self._is_single else b"[" + b",".join(records) + b"]"
        headers = self._headers | {IDS_HEADER: ",".join(map(self._id, records))}
        until = time.monotonic() + PATIENCE_SECONDS
        attempt = 0
        while True:
            try:
                status, said = await self._send(headers, body)
            except _LOST as error:
                why = f"{type(error).__name__} {error}".strip()
            else:
                if self._takes.has(status) or not self._refuses.has(status):
                    self._world.traffic.records += len(records)
                    self._world.traffic.bytes += len(body)
                    return
                why = f"HTTP status {status} {said}".strip()
                if status < 500 and status not in _RETRIED:
                    self._tell_refused(records, why)
                    return
            attempt += 1
            longest = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS_MIN * 2**attempt)
            pause = random.uniform(_PAUSE_SECONDS_MIN, longest)  # noqa: S311
            if time.monotonic() + pause > until:
                raise SinkFailed(f"{self._url}: {why}")
            await asyncio.sleep(pause)

    async def _send(self, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        async with self._session.request(
            self._method, self._url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            said = await answer.content.read(4 * _TOLD_CHARACTERS_MAX)
            return answer.status, said.decode("utf-8", "replace")[:_TOLD_CHARACTERS_MAX]

    def _id(self, record: bytes) -> str:
        digest = self._seed.copy()
        digest.update(record)
        return urlsafe_b64encode(digest.digest()[:_ID_SIZE_BYTES]).decode()

    def _tell_refused(self, records: Sequence[bytes], why: str) -> None:
        for record in records:
            shown = record.decode("utf-8", "replace")[:_TOLD_CHARACTERS_MAX]
            self._world.tell("ERROR", f"{self._url} refused a row ({why}): {shown}")


class _Codes:
    """Statuses as the connector's options list them: `404, 5XX`."""

    def __init__(self, text: str) -> None:
        self._listed = [code.strip().upper() for code in text.split(",") if code.strip()]

    def has(self, status: int) -> bool:
        return str(status) in self._listed or f"{status // 100}XX" in self._listed


def _option(table: Table, name: str) -> str | None:
    return table.option(*(prefix + name for prefix in _PREFIXES))


def _headers_of(table: Table) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    for name, text in table.options:
        for prefix in _PREFIXES:
            if name.startswith(f"{prefix}sink.header."):
                headers[name.removeprefix(f"{prefix}sink.header.").lower()] = text
    return headers


def _rows_of_a_request(table: Table) -> int:
    wanted = [_option(table, "sink.request.batch.size"), table.option("sink.batch.max-size")]
    return min([_ROWS_MAX, *(options.whole(text) for text in wanted if text is not None)])
