"""What Kinesis is lent."""

from dataclasses import dataclass, field

from millpond.engines.log.interface import Log
from millpond.engines.records.interface import Records
from millpond.kernel.call import Caller
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import Meter
from millpond.kernel.pages import Pages
from millpond.services.kinesis.channels.rates import CallRates
from millpond.services.kinesis.traffic import Traffic

CALLS: tuple[tuple[str, str], ...] = (
    ("s3", "HeadBucket"),
    ("s3", "PutObject"),
    ("logs", "CreateLogGroup"),
    ("logs", "CreateLogStream"),
    ("logs", "PutLogEvents"),
)
"""The operations of other services that this one calls: for channels."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`limits`: AWS's throughput limits of shards and calls are enforced. `state_seconds`: how
    long a stream or channel stays CREATING, UPDATING or DELETING. `traffic`, `channel_calls`: what
    is known only in memory."""

    records: Records
    log: Log
    clock: Clock
    ids: Ids
    pages: Pages
    meter: Meter
    call_aws: Caller
    limits: bool = True
    state_seconds: float = 0.0
    traffic: Traffic = field(default_factory=Traffic)
    channel_calls: CallRates = field(default_factory=CallRates)
