"""What Managed Service for Apache Flink is lent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.records.interface import Records
from millpond.engines.streams.interface import Streams
from millpond.kernel.call import Caller
from millpond.kernel.clock import Clock
from millpond.kernel.credentials import CredentialsIssuer
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import Meter
from millpond.kernel.pages import Pages

CALLS: tuple[tuple[str, str], ...] = (
    ("s3", "GetObject"),
    ("kinesis", "DescribeStreamSummary"),
    ("kinesis", "ListShards"),
    ("kinesis", "GetShardIterator"),
    ("kinesis", "GetRecords"),
    ("logs", "CreateLogGroup"),
    ("logs", "CreateLogStream"),
    ("logs", "PutLogEvents"),
)
"""The operations of other services that this one calls: code and samples are read, and what an
application tells is put into its log. The application itself calls AWS over its socket."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`folder` holds a folder for each application; `endpoint` tells where programs on this machine
    reach the platform; `memory_bytes` bounds the process of an application, and `places` how many
    of them run at once."""

    records: Records
    clock: Clock
    ids: Ids
    pages: Pages
    meter: Meter
    call_aws: Caller
    credentials: CredentialsIssuer
    streams: Streams
    folder: Path
    endpoint: Callable[[], str]
    memory_bytes: int
    places: asyncio.Semaphore
