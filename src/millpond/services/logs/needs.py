"""What CloudWatch Logs is lent."""

from dataclasses import dataclass, field

from millpond.engines.log.interface import Log
from millpond.engines.records.interface import Records
from millpond.kernel.call import Caller
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.metrics import Meter
from millpond.kernel.pages import Pages
from millpond.services.logs.ingestion.live import Live
from millpond.services.logs.insights.engine import Insights

CALLS: tuple[tuple[str, str], ...] = (
    ("kinesis", "PutRecord"),
    ("kinesis", "PutRecords"),
    ("firehose", "PutRecord"),
    ("firehose", "PutRecordBatch"),
    ("s3", "PutObject"),
)
"""The operations of other services that this one calls: where subscriptions and exports go to."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Events lie in `log`, what groups and streams there are in `records`; `live` is what is known
    of filters and tails in memory, `insights` what queries run on."""

    records: Records
    log: Log
    clock: Clock
    ids: Ids
    pages: Pages
    meter: Meter
    call_aws: Caller
    insights: Insights
    live: Live = field(default_factory=Live)
