"""What EMR Serverless is lent."""

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
from millpond.services.emrserverless.running.live_pages import LivePages
from millpond.services.emrserverless.running.warm import WarmClusters

CALLS: tuple[tuple[str, str], ...] = (
    ("s3", "PutObject"),
    ("s3", "HeadObject"),
    ("logs", "CreateLogGroup"),
    ("logs", "CreateLogStream"),
    ("logs", "PutLogEvents"),
)
"""The operations of other services that this one calls: logs of job runs are put where their
owners want them, and dashboards look whether they are there."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`call_aws` calls the operations in `CALLS`; `folder` holds a folder for each application;
    `endpoint` tells where programs on this machine reach the platform; `warm` are the clusters of
    pre-initialised workers, which the steps of applications start and those of job runs take;
    `live` are the pages that drivers show while they run."""

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
    warm: WarmClusters = field(default_factory=WarmClusters)
    live: LivePages = field(default_factory=LivePages)
