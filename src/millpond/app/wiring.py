"""Puts the platform together: the only place that names implementations.

Every service is lent what its `needs.py` asks for; in-process callers reach the operations that it
lists in `CALLS` and no others.
"""

import asyncio
import contextlib
import importlib.util
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from millpond.app.config import Settings
from millpond.app.credentials import KeyPair, StoredCredentials
from millpond.app.missing_sql import MissingSql
from millpond.app.supervisor import Supervisor
from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.interface import Records
from millpond.engines.spark.embedded import Bounds, SailSpark
from millpond.engines.spark.interface import Spark
from millpond.engines.sql.embedded import Bounds as SqlBounds
from millpond.engines.sql.embedded import EmbeddedSql
from millpond.engines.sql.interface import Sql
from millpond.gateway.chain import Gateway
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import Task, schedule
from millpond.services.athena import needs as athena_needs
from millpond.services.athena import operations as athena_operations
from millpond.services.athena import shapes as athena_shapes
from millpond.services.athena import tasks as athena_tasks
from millpond.services.athena.operations.executions import QUERY_TASK
from millpond.services.emr import needs as emr_needs
from millpond.services.emr import operations as emr_operations
from millpond.services.emr import shapes as emr_shapes
from millpond.services.emr import tasks as emr_tasks
from millpond.services.glue import needs as glue_needs
from millpond.services.glue import operations as glue_operations
from millpond.services.glue import shapes as glue_shapes
from millpond.services.glue import tasks as glue_tasks
from millpond.services.glue.crawl.lifecycle import CRAWL_KIND
from millpond.services.s3 import needs as s3_needs
from millpond.services.s3 import operations as s3_operations
from millpond.services.s3 import shapes as s3_shapes
from millpond.services.s3 import tasks as s3_tasks
from millpond.services.sts import needs as sts_needs
from millpond.services.sts import operations as sts_operations
from millpond.services.sts import shapes as sts_shapes
from millpond.services.sts import tasks as sts_tasks

CRAWLS_AT_ONCE = 4
"""Crawlers spend their time in reading: more of them would only read side by side."""

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
    spark: Spark


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
        spark = SailSpark(
            settings.data,
            marker_of(settings.data),
            Bounds(settings.spark_memory, settings.spark_threads),
        )
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
        credentials = StoredCredentials(root, settings.account, records, clock, ids)
        pages = Pages(await _pages_secret(records))
        services: dict[str, Service] = {}
        services["sts"] = Service(
            sts_shapes.MODEL, sts_operations.OPERATIONS, sts_needs.Needs(), sts_tasks.STEPS
        )
        services["s3"] = Service(
            s3_shapes.MODEL,
            s3_operations.OPERATIONS,
            s3_needs.Needs(
                clock=clock,
                ids=ids,
                pages=pages,
                records=records,
                objects=objects,
                local_files=objects,
            ),
            s3_tasks.STEPS,
        )
        services["glue"] = Service(
            glue_shapes.MODEL,
            glue_operations.OPERATIONS,
            glue_needs.Needs(
                records=records,
                clock=clock,
                ids=ids,
                pages=pages,
                call_aws=caller(services, glue_needs.CALLS),
            ),
            glue_tasks.STEPS,
        )
        services["athena"] = Service(
            athena_shapes.MODEL,
            athena_operations.OPERATIONS,
            athena_needs.Needs(
                records=records,
                clock=clock,
                ids=ids,
                pages=pages,
                call_aws=caller(services, athena_needs.CALLS),
                sql=sql,
            ),
            athena_tasks.STEPS,
        )
        services["emr"] = Service(
            emr_shapes.MODEL,
            emr_operations.OPERATIONS,
            emr_needs.Needs(
                records=records,
                clock=clock,
                ids=ids,
                pages=pages,
                call_aws=caller(services, emr_needs.CALLS),
                credentials=credentials,
                spark=spark,
                folder=settings.data / "clusters",
                endpoint=address,
            ),
            emr_tasks.STEPS,
        )
        await _schedule_at_start(records)
        yield Platform(
            gateway=Gateway(services, credentials, settings.account, clock, ids),
            supervisor=Supervisor(records, clock, services, _places(settings)),
            credentials=credentials,
            spark=spark,
        )


def marker_of(data: Path) -> str:
    """What marks the processes of a data folder's server, so that the next one finds them."""
    return str(data)


def _places(settings: Settings) -> Mapping[tuple[str, str], int]:
    """How many steps of a kind run at once, where that is bounded."""
    return {
        ("athena", QUERY_TASK): settings.sql_queries,
        ("glue", CRAWL_KIND): CRAWLS_AT_ONCE,
    }


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
    tasks: tuple[Task, ...] = (*s3_tasks.TASKS_AT_START,)
    async with records.transaction() as transaction:
        for task in tasks:
            schedule(transaction, task)
