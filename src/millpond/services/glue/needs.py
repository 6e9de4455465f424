"""What Glue is lent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from millpond.engines.records.interface import Records
from millpond.engines.spark.interface import Sparks
from millpond.kernel.call import Caller
from millpond.kernel.clock import Clock
from millpond.kernel.credentials import CredentialsIssuer
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import Meter
from millpond.kernel.pages import Pages

CALLS: tuple[tuple[str, str], ...] = (
    ("s3", "ListObjectsV2"),
    ("s3", "GetObject"),
    ("s3", "PutObject"),
    ("logs", "CreateLogGroup"),
    ("logs", "CreateLogStream"),
    ("logs", "PutLogEvents"),
)
"""The operations of other services that this one calls: crawlers and jobs read S3, the scripts of
visual jobs are put there, and what runs tells CloudWatch Logs of it."""

SPARK_RUNS_AT_ONCE = 8
"""Each has an engine of its own, which may use all that one cluster may."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`call_aws` calls the operations in `CALLS`; `folder` holds a scratch folder for each run of a
    job; `endpoint` tells where programs on this machine reach the platform, whose processes
    `marker` marks. `places` bounds how many runs have an engine at once."""

    records: Records
    clock: Clock
    ids: Ids
    pages: Pages
    call_aws: Caller
    credentials: CredentialsIssuer
    sparks: Sparks
    folder: Path
    endpoint: Callable[[], str]
    meter: Meter
    marker: str
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SPARK_RUNS_AT_ONCE))
