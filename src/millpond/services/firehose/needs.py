"""What Firehose is lent."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.log.interface import Log
from millpond.engines.records.interface import Records
from millpond.kernel.call import Caller
from millpond.kernel.clock import Clock
from millpond.kernel.credentials import CredentialsIssuer
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import Meter
from millpond.kernel.outgoing import Outgoing
from millpond.kernel.pages import Pages

CALLS: tuple[tuple[str, str], ...] = (
    ("s3", "PutObject"),
    ("s3", "GetObject"),
    ("glue", "GetTable"),
    ("glue", "GetTableVersion"),
    ("kinesis", "DescribeStreamSummary"),
    ("kinesis", "ListShards"),
    ("kinesis", "GetShardIterator"),
    ("kinesis", "GetRecords"),
    ("logs", "CreateLogGroup"),
    ("logs", "CreateLogStream"),
    ("logs", "PutLogEvents"),
)
"""The operations of other services that this one calls: where records come from and go to, the
schema they are converted by, and where delivery errors are told."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`folder` is for scratch files; `endpoint` tells where programs on this machine reach the
    platform; `marker` marks the processes that this platform starts."""

    records: Records
    log: Log
    clock: Clock
    ids: Ids
    pages: Pages
    meter: Meter
    call_aws: Caller
    credentials: CredentialsIssuer
    outgoing: Outgoing
    folder: Path
    endpoint: Callable[[], str]
    marker: str
