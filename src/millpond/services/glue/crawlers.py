"""Crawlers as values, and the rules for defining them. Pure.

A crawler's state is READY, RUNNING or STOPPING. `crawl` is its newest crawl, `last_crawl` the
newest that ended; every crawl also stands in the history by its number. Times are epoch
milliseconds.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from millpond.kernel.arn import parse_arn
from millpond.services.glue.crawl.configuration import BadConfiguration, read_configuration
from millpond.services.glue.crawl.exclusions import compile_exclusions
from millpond.services.glue.crawl.open_tables import TRAVERSAL_DEPTH_MAX
from millpond.services.glue.cron import BadCron, parse_schedule
from millpond.services.glue.errors import InvalidInput, not_implemented
from millpond.services.glue.pattern import BadPattern
from millpond.services.glue.shapes import (
    CrawlerTargets,
    DeleteBehavior,
    DeltaTarget,
    IcebergTarget,
    JdbcTarget,
    LakeFormationConfiguration,
    LineageConfiguration,
    RecrawlBehavior,
    RecrawlPolicy,
    S3Target,
    SchemaChangePolicy,
    UpdateBehavior,
)

LOG_GROUP = "/aws-glue/crawlers"
DATABASE_DEFAULT = "default"
SAMPLE_SIZE_MAX = 249
RUNTIMES_KEPT = 100

State = Literal["READY", "RUNNING", "STOPPING"]
CrawlState = Literal["RUNNING", "COMPLETED", "FAILED", "STOPPED"]


class Definition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a caller asked for, with AWS's defaults filled in."""

    role: str
    targets: tuple[S3Target, ...] = ()
    delta: tuple[DeltaTarget, ...] = ()
    iceberg: tuple[IcebergTarget, ...] = ()
    jdbc: tuple[JdbcTarget, ...] = ()
    database: str = DATABASE_DEFAULT
    description: str | None = None
    table_prefix: str | None = None
    update_behavior: UpdateBehavior = "UPDATE_IN_DATABASE"
    delete_behavior: DeleteBehavior = "DEPRECATE_IN_DATABASE"
    recrawl_behavior: RecrawlBehavior = "CRAWL_EVERYTHING"
    classifiers: tuple[str, ...] = ()
    configuration: str | None = None

    @property
    def paths(self) -> list[str]:
        """The folders of S3 that its targets name."""
        return [
            *(target.path or "" for target in self.targets),
            *(path for target in self.delta for path in target.delta_tables or ()),
            *(path for target in self.iceberg for path in target.paths or ()),
        ]


class Changes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many tables and partitions a crawl wrote."""

    tables_created: int = 0
    tables_updated: int = 0
    tables_deleted: int = 0
    partitions_created: int = 0
    partitions_updated: int = 0
    partitions_deleted: int = 0

    def plus(self, other: "Changes") -> "Changes":
        return Changes(
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in Changes.__struct_fields__
            }
        )


class Crawl(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run. `attempts` counts how often it was begun: once more after each crash."""

    id: str
    number: int
    started_ms: int
    state: CrawlState = "RUNNING"
    ended_ms: int | None = None
    error: str | None = None
    attempts: int = 0
    changes: Changes = Changes()
    trigger_name: str | None = None
    workflow_name: str | None = None
    workflow_run_id: str | None = None


class Crawler(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    name: str
    definition: Definition
    created_ms: int
    updated_ms: int
    version: int = 1
    state: State = "READY"
    schedule: str | None = None
    schedule_active: bool = False
    crawl: Crawl | None = None
    last_crawl: Crawl | None = None
    runtimes_ms: tuple[int, ...] = ()
    """How long the latest crawls took, the newest last."""


class Targets(NamedTuple):
    """What a crawler is to look into."""

    s3: tuple[S3Target, ...]
    delta: tuple[DeltaTarget, ...]
    iceberg: tuple[IcebergTarget, ...]
    jdbc: tuple[JdbcTarget, ...]


def read_targets(targets: CrawlerTargets) -> Targets:
    """The targets that a caller gave.

    Raises:
        InvalidInput: there is none, a path is not of S3, or an option is not implemented.
    """
    not_implemented(
        ("MongoDBTargets", targets.mongo_db_targets),
        ("DynamoDBTargets", targets.dynamo_db_targets),
        ("CatalogTargets", targets.catalog_targets),
        ("HudiTargets", targets.hudi_targets),
    )
    found = Targets(
        tuple(map(_read_target, targets.s3_targets or ())),
        tuple(map(_read_delta, targets.delta_targets or ())),
        tuple(map(_read_iceberg, targets.iceberg_targets or ())),
        tuple(map(_read_jdbc, targets.jdbc_targets or ())),
    )
    if not any(found):
        raise InvalidInput("At least one target must be specified.")
    return found


def _read_delta(target: DeltaTarget) -> DeltaTarget:
    not_implemented(
        ("ConnectionName", target.connection_name),
        ("WriteManifest", target.write_manifest),
    )
    if not target.delta_tables:
        raise InvalidInput("DeltaTables must name a table.")
    for path in target.delta_tables:
        _check_path(path)
    return target


def _read_iceberg(target: IcebergTarget) -> IcebergTarget:
    not_implemented(("ConnectionName", target.connection_name))
    if not target.paths:
        raise InvalidInput("Paths must name a folder.")
    for path in target.paths:
        _check_path(path)
    depth = target.maximum_traversal_depth
    if depth is not None and not 1 <= depth <= TRAVERSAL_DEPTH_MAX:
        raise InvalidInput(f"MaximumTraversalDepth must be from 1 to {TRAVERSAL_DEPTH_MAX}.")
    _check_exclusions(target.exclusions)
    return target


def _read_jdbc(target: JdbcTarget) -> JdbcTarget:
    not_implemented(("EnableAdditionalMetadata", target.enable_additional_metadata))
    if not target.connection_name:
        raise InvalidInput("A JDBC target must name a connection.")
    if not (target.path or "").strip("/"):
        raise InvalidInput("A JDBC target must have a path: database/schema/table.")
    return target


def _check_path(path: str | None) -> None:
    if not re.fullmatch(r"s3://[A-Za-z0-9._-]{3,255}(?:/.*)?", path or "", re.DOTALL):
        raise InvalidInput(f"The S3 path {path} is not valid: use s3://bucket/prefix.")


def _check_exclusions(exclusions: Sequence[str] | None) -> None:
    try:
        compile_exclusions(exclusions or [])
    except BadPattern as error:
        raise InvalidInput(f"An exclusion cannot be used. {error}") from None


def _read_target(target: S3Target) -> S3Target:
    not_implemented(
        ("ConnectionName", target.connection_name),
        ("EventQueueArn", target.event_queue_arn),
        ("DlqEventQueueArn", target.dlq_event_queue_arn),
    )
    _check_path(target.path)
    size = target.sample_size
    if size is not None and not 1 <= size <= SAMPLE_SIZE_MAX:
        raise InvalidInput(f"SampleSize must be from 1 to {SAMPLE_SIZE_MAX}.")
    _check_exclusions(target.exclusions)
    return target


def check_options(
    *,
    lineage: LineageConfiguration | None,
    lake_formation: LakeFormationConfiguration | None,
    security: str | None,
) -> None:
    """Refuse what would change a crawl and is not implemented."""
    lineage_on = lineage is not None and lineage.crawler_lineage_settings == "ENABLE"
    not_implemented(
        ("LineageConfiguration", lineage_on),
        (
            "LakeFormationConfiguration",
            lake_formation and lake_formation.use_lake_formation_credentials,
        ),
        ("CrawlerSecurityConfiguration", security),
    )


def check_definition(definition: Definition) -> None:
    """The rules between a crawler's settings.

    Raises:
        InvalidInput: with a sentence that names what does not fit.
    """
    if not definition.role:
        raise InvalidInput("Role must not be empty.")
    if definition.recrawl_behavior == "CRAWL_EVENT_MODE":
        raise InvalidInput("RecrawlBehavior CRAWL_EVENT_MODE is not implemented.")
    logs_only = (definition.update_behavior, definition.delete_behavior) == ("LOG", "LOG")
    if definition.recrawl_behavior == "CRAWL_NEW_FOLDERS_ONLY" and not logs_only:
        raise InvalidInput(
            'The SchemaChangePolicy for "Crawl new folders only" Amazon S3 target can have only '
            "LOG DeleteBehavior value and LOG UpdateBehavior value."
        )
    try:
        read_configuration(definition.configuration)
    except BadConfiguration as error:
        raise InvalidInput(str(error)) from None


def check_schedule(text: str) -> None:
    """Refuse a schedule that is not one.

    Raises:
        InvalidInput: with the reason.
    """
    try:
        parse_schedule(text)
    except BadCron as error:
        raise InvalidInput(f"Schedule {text} is not valid. {error}") from None


def role_name(role: str) -> str:
    """The role as Glue shows it: of an ARN, the name with its path."""
    arn = parse_arn(role)
    return role if arn is None else arn.resource.removeprefix("role/")


def change_policies(
    definition: Definition,
    schema_change: SchemaChangePolicy | None,
    recrawl: RecrawlPolicy | None,
) -> Definition:
    """The definition with the policies that are given."""
    if schema_change is not None:
        definition = msgspec.structs.replace(
            definition,
            update_behavior=schema_change.update_behavior or definition.update_behavior,
            delete_behavior=schema_change.delete_behavior or definition.delete_behavior,
        )
    if recrawl is not None and recrawl.recrawl_behavior is not None:
        definition = msgspec.structs.replace(definition, recrawl_behavior=recrawl.recrawl_behavior)
    return definition
