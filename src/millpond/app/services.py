"""Lends each service what its `needs.py` asks for: the whole table of services stands here.

In-process callers reach the operations that a service lists in `CALLS` and no others.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.log.interface import Log
from millpond.engines.objects.interface import LocalFiles, Objects
from millpond.engines.records.interface import Records
from millpond.engines.spark.interface import Sparks
from millpond.engines.sql.interface import Sql
from millpond.engines.streams.interface import Streams
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.clock import Clock
from millpond.kernel.credentials import CredentialsIssuer
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.outgoing import Outgoing
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import Task
from millpond.services.athena import needs as athena_needs
from millpond.services.athena import operations as athena_operations
from millpond.services.athena import shapes as athena_shapes
from millpond.services.athena import tasks as athena_tasks
from millpond.services.athena.operations.executions import QUERY_TASK
from millpond.services.cloudwatch import needs as cloudwatch_needs
from millpond.services.cloudwatch import operations as cloudwatch_operations
from millpond.services.cloudwatch import shapes as cloudwatch_shapes
from millpond.services.cloudwatch import tasks as cloudwatch_tasks
from millpond.services.dynamodb import needs as dynamodb_needs
from millpond.services.dynamodb import operations as dynamodb_operations
from millpond.services.dynamodb import shapes as dynamodb_shapes
from millpond.services.dynamodb import tasks as dynamodb_tasks
from millpond.services.emr import needs as emr_needs
from millpond.services.emr import operations as emr_operations
from millpond.services.emr import shapes as emr_shapes
from millpond.services.emr import tasks as emr_tasks
from millpond.services.emrserverless import needs as emrserverless_needs
from millpond.services.emrserverless import operations as emrserverless_operations
from millpond.services.emrserverless import shapes as emrserverless_shapes
from millpond.services.emrserverless import tasks as emrserverless_tasks
from millpond.services.firehose import needs as firehose_needs
from millpond.services.firehose import operations as firehose_operations
from millpond.services.firehose import shapes as firehose_shapes
from millpond.services.firehose import tasks as firehose_tasks
from millpond.services.glue import needs as glue_needs
from millpond.services.glue import operations as glue_operations
from millpond.services.glue import shapes as glue_shapes
from millpond.services.glue import tasks as glue_tasks
from millpond.services.glue.crawl.lifecycle import CRAWL_KIND
from millpond.services.kinesis import needs as kinesis_needs
from millpond.services.kinesis import operations as kinesis_operations
from millpond.services.kinesis import shapes as kinesis_shapes
from millpond.services.kinesis import tasks as kinesis_tasks
from millpond.services.kinesisanalytics import needs as kinesisanalytics_needs
from millpond.services.kinesisanalytics import operations as kinesisanalytics_operations
from millpond.services.kinesisanalytics import shapes as kinesisanalytics_shapes
from millpond.services.kinesisanalyticsv2 import needs as kinesisanalyticsv2_needs
from millpond.services.kinesisanalyticsv2 import operations as kinesisanalyticsv2_operations
from millpond.services.kinesisanalyticsv2 import shapes as kinesisanalyticsv2_shapes
from millpond.services.kinesisanalyticsv2 import tasks as kinesisanalyticsv2_tasks
from millpond.services.logs import needs as logs_needs
from millpond.services.logs import operations as logs_operations
from millpond.services.logs import shapes as logs_shapes
from millpond.services.logs import tasks as logs_tasks
from millpond.services.logs.insights.engine import Insights
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

TASKS_AT_START: tuple[Task, ...] = (
    *s3_tasks.TASKS_AT_START,
    *kinesis_tasks.TASKS_AT_START,
    *firehose_tasks.TASKS_AT_START,
    *kinesisanalyticsv2_tasks.TASKS_AT_START,
    *dynamodb_tasks.TASKS_AT_START,
    *logs_tasks.TASKS_AT_START,
    *cloudwatch_tasks.TASKS_AT_START,
)
"""What services want done whenever the platform starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What there is to lend. `marker` marks the processes that this platform starts."""

    clock: Clock
    ids: Ids
    pages: Pages
    records: Records
    objects: Objects
    local_files: LocalFiles
    log: Log
    sql: Sql
    sparks: Sparks
    streams: Streams
    credentials: CredentialsIssuer
    meter: MinuteMeter
    outgoing: Outgoing
    data: Path
    marker: str
    endpoint: Callable[[], str]
    kinesis_limits: bool
    kinesis_state_seconds: float
    streams_memory: int
    streams_applications: int


def services_of(lent: Lent) -> Mapping[str, Service]:
    """Every service, by our name for it."""
    services: dict[str, Service] = {}
    services["sts"] = Service(
        sts_shapes.MODEL, sts_operations.OPERATIONS, sts_needs.Needs(), sts_tasks.STEPS
    )
    services["s3"] = Service(
        s3_shapes.MODEL,
        s3_operations.OPERATIONS,
        s3_needs.Needs(
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            records=lent.records,
            objects=lent.objects,
            local_files=lent.local_files,
        ),
        s3_tasks.STEPS,
    )
    services["glue"] = Service(
        glue_shapes.MODEL,
        glue_operations.OPERATIONS,
        glue_needs.Needs(
            records=lent.records,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            call_aws=caller(services, glue_needs.CALLS),
            credentials=lent.credentials,
            sparks=lent.sparks,
            folder=lent.data / "jobs",
            endpoint=lent.endpoint,
            meter=lent.meter,
            marker=lent.marker,
        ),
        glue_tasks.STEPS,
    )
    services["athena"] = Service(
        athena_shapes.MODEL,
        athena_operations.OPERATIONS,
        athena_needs.Needs(
            records=lent.records,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            call_aws=caller(services, athena_needs.CALLS),
            sql=lent.sql,
        ),
        athena_tasks.STEPS,
    )
    services["emr"] = Service(
        emr_shapes.MODEL,
        emr_operations.OPERATIONS,
        emr_needs.Needs(
            records=lent.records,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            meter=lent.meter,
            call_aws=caller(services, emr_needs.CALLS),
            credentials=lent.credentials,
            sparks=lent.sparks,
            folder=lent.data / "clusters",
            endpoint=lent.endpoint,
        ),
        emr_tasks.STEPS,
    )
    services["emrserverless"] = Service(
        emrserverless_shapes.MODEL,
        emrserverless_operations.OPERATIONS,
        emrserverless_needs.Needs(
            records=lent.records,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            meter=lent.meter,
            call_aws=caller(services, emrserverless_needs.CALLS),
            credentials=lent.credentials,
            sparks=lent.sparks,
            folder=lent.data / "serverless",
            endpoint=lent.endpoint,
        ),
        emrserverless_tasks.STEPS,
    )
    services["kinesis"] = Service(
        kinesis_shapes.MODEL,
        kinesis_operations.OPERATIONS,
        kinesis_needs.Needs(
            records=lent.records,
            log=lent.log,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            meter=lent.meter,
            call_aws=caller(services, kinesis_needs.CALLS),
            limits=lent.kinesis_limits,
            state_seconds=lent.kinesis_state_seconds,
        ),
        kinesis_tasks.STEPS,
    )
    services["firehose"] = Service(
        firehose_shapes.MODEL,
        firehose_operations.OPERATIONS,
        firehose_needs.Needs(
            records=lent.records,
            log=lent.log,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            meter=lent.meter,
            call_aws=caller(services, firehose_needs.CALLS),
            credentials=lent.credentials,
            outgoing=lent.outgoing,
            folder=lent.data / "deliveries",
            endpoint=lent.endpoint,
            marker=lent.marker,
        ),
        firehose_tasks.STEPS,
    )
    services["kinesisanalyticsv2"] = Service(
        kinesisanalyticsv2_shapes.MODEL,
        kinesisanalyticsv2_operations.OPERATIONS,
        kinesisanalyticsv2_needs.Needs(
            records=lent.records,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            meter=lent.meter,
            call_aws=caller(services, kinesisanalyticsv2_needs.CALLS),
            credentials=lent.credentials,
            streams=lent.streams,
            folder=lent.data / "applications",
            endpoint=lent.endpoint,
            memory_bytes=lent.streams_memory,
            places=asyncio.Semaphore(lent.streams_applications),
        ),
        kinesisanalyticsv2_tasks.STEPS,
    )
    services["kinesisanalytics"] = Service(
        kinesisanalytics_shapes.MODEL,
        kinesisanalytics_operations.OPERATIONS,
        kinesisanalytics_needs.Needs(call_aws=caller(services, kinesisanalytics_needs.CALLS)),
    )
    services["dynamodb"] = Service(
        dynamodb_shapes.MODEL,
        dynamodb_operations.OPERATIONS,
        dynamodb_needs.Needs(
            records=lent.records, clock=lent.clock, ids=lent.ids, pages=lent.pages
        ),
        dynamodb_tasks.STEPS,
    )
    services["logs"] = Service(
        logs_shapes.MODEL,
        logs_operations.OPERATIONS,
        logs_needs.Needs(
            records=lent.records,
            log=lent.log,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            meter=lent.meter,
            call_aws=caller(services, logs_needs.CALLS),
            insights=Insights(lent.sql, lent.data / "insights"),
        ),
        logs_tasks.STEPS,
    )
    services["cloudwatch"] = Service(
        cloudwatch_shapes.MODEL,
        cloudwatch_operations.OPERATIONS,
        cloudwatch_needs.Needs(
            records=lent.records,
            clock=lent.clock,
            ids=lent.ids,
            pages=lent.pages,
            meter=lent.meter,
        ),
        cloudwatch_tasks.STEPS,
    )
    return services


def places(sql_queries: int) -> Mapping[tuple[str, str], int]:
    """How many steps of a kind run at once, where that is bounded."""
    return {("athena", QUERY_TASK): sql_queries, ("glue", CRAWL_KIND): CRAWLS_AT_ONCE}
