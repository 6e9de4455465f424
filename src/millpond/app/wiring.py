"""Puts the platform together: the only place that names implementations of engines.

What each service is lent of it stands in `app/services`.
"""

import asyncio
import contextlib
import importlib.util
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from millpond.app.config import Settings
from millpond.app.credentials import KeyPair, StoredCredentials
from millpond.app.missing_sql import MissingSql
from millpond.app.missing_streams import MissingStreams
from millpond.app.outgoing import HttpOutgoing
from millpond.app.services import TASKS_AT_START, Lent, places, services_of
from millpond.app.supervisor import Supervisor
from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.interface import Records
from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.spark import ApacheSpark
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.embedded import Bounds, SailSpark
from millpond.engines.spark.interface import SAIL, Size, Sparks
from millpond.engines.sql.embedded import Bounds as SqlBounds
from millpond.engines.sql.embedded import EmbeddedSql
from millpond.engines.sql.interface import Sql
from millpond.engines.streams.embedded import EmbeddedStreams
from millpond.engines.streams.interface import Streams
from millpond.gateway.chain import Gateway
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import schedule

STREAMS_PACKAGES = ("aiohttp", "boto3", "duckdb", "numpy", "pyarrow", "sqlglot")
"""What the streams engine cannot do without; `millpond[streams]` installs it."""

_PAGES_KEY = b"platform\x00pages-secret"


@dataclass(slots=True)
class Address:
    """Where programs on this machine reach the platform; known once it listens."""

    endpoint: str = ""

    def __call__(self) -> str:
        return self.endpoint


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that runs behind one address."""

    gateway: Gateway
    supervisor: Supervisor
    credentials: StoredCredentials
    sparks: Sparks


@contextlib.asynccontextmanager
async def open_platform(
    settings: Settings, root: KeyPair, clock: Clock, ids: Ids, address: Address
) -> AsyncIterator[Platform]:
    """The platform on `settings.data`, which is ours alone; its engines close at the end.

    Raises:
        EngineError: an engine cannot be opened; the text says why.
    """
    async with contextlib.AsyncExitStack() as engines:
        records = await asyncio.to_thread(EmbeddedRecords.open, settings.data / "records")
        engines.push_async_callback(records.close)
        objects = await asyncio.to_thread(
            EmbeddedObjects.open, settings.data / "objects", clock, ids
        )
        engines.push_async_callback(objects.close)
        log = await asyncio.to_thread(EmbeddedLog.open, settings.data / "log", clock)
        engines.push_async_callback(log.close)
        sparks = _sparks(settings)
        sql: Sql = MissingSql()
        if importlib.util.find_spec("duckdb") and importlib.util.find_spec("sqlglot"):
            embedded_sql = await asyncio.to_thread(
                EmbeddedSql.open,
                settings.data / "sql",
                settings.data,
                marker_of(settings.data),
                SqlBounds(settings.sql_memory, settings.sql_threads, settings.sql_queries),
            )
            engines.push_async_callback(embedded_sql.close)
            sql = embedded_sql
        streams: Streams = MissingStreams()
        if all(importlib.util.find_spec(name) for name in STREAMS_PACKAGES):
            embedded_streams = await asyncio.to_thread(
                EmbeddedStreams.open, settings.data, marker_of(settings.data)
            )
            engines.push_async_callback(embedded_streams.close)
            streams = embedded_streams
        credentials = StoredCredentials(root, settings.account, records, clock, ids)
        pages = Pages(await _pages_secret(records))
        outgoing = HttpOutgoing()
        engines.push_async_callback(outgoing.close)
        services = services_of(
            Lent(
                clock=clock,
                ids=ids,
                pages=pages,
                records=records,
                objects=objects,
                local_files=objects,
                log=log,
                sql=sql,
                sparks=sparks,
                streams=streams,
                credentials=credentials,
                meter=MinuteMeter(clock),
                outgoing=outgoing,
                data=settings.data,
                marker=marker_of(settings.data),
                endpoint=address,
                kinesis_limits=settings.kinesis_limits,
                kinesis_state_seconds=settings.kinesis_state_seconds,
                streams_memory=settings.streams_memory,
                streams_applications=settings.streams_applications,
            )
        )
        await _schedule_at_start(records)
        yield Platform(
            gateway=Gateway(services, credentials, settings.account, clock, ids, settings.region),
            supervisor=Supervisor(records, clock, services, places(settings.sql_queries)),
            credentials=credentials,
            sparks=sparks,
        )


def _sparks(settings: Settings) -> Sparks:
    """Sail, and each version of Apache Spark."""
    marker = marker_of(settings.data)
    capacity = Size(settings.spark_threads, settings.spark_memory)
    releases = Releases(settings.releases, settings.maven, marker)
    apache: Sparks = {
        version.name: ApacheSpark(settings.data, marker, capacity, releases, version)
        for version in VERSIONS
    }
    bounds = Bounds(settings.spark_memory, settings.spark_threads)
    return {SAIL: SailSpark(settings.data, marker, bounds), **apache}


def marker_of(data: Path) -> str:
    """What marks the processes of a data folder's server, so that the next one finds them."""
    return str(data)


async def _pages_secret(records: Records) -> bytes:
    """What page tokens are sealed with, made once for a data folder."""
    async with records.transaction() as transaction:
        secret = await transaction.get(_PAGES_KEY)
        if secret is None:
            secret = secrets.token_bytes(32)
            transaction.put(_PAGES_KEY, secret)
        return secret


async def _schedule_at_start(records: Records) -> None:
    """Write down what services want done whenever the platform starts."""
    async with records.transaction() as transaction:
        for task in TASKS_AT_START:
            schedule(transaction, task)
