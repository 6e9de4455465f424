"""What EMR is lent."""

from collections.abc import Callable
from dataclasses import dataclass
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
    ("s3", "PutObject"),
    ("logs", "CreateLogGroup"),
    ("logs", "CreateLogStream"),
    ("logs", "PutLogEvents"),
)
"""The operations of other services that this one calls: logs are put under LogUri, and into
CloudWatch where a cluster asks for that."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`call_aws` calls the operations in `CALLS`; `folder` holds a scratch folder for each
    cluster; `endpoint` tells where programs on this machine reach the platform."""

    records: Records
    clock: Clock
    ids: Ids
    pages: Pages
    meter: Meter
    call_aws: Caller
    credentials: CredentialsIssuer
    sparks: Sparks
    folder: Path
    endpoint: Callable[[], str]
