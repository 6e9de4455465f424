"""Crawlers and crawls as answers show them."""

import json

from millpond.services.glue import shapes
from millpond.services.glue.crawlers import LOG_GROUP, Changes, Crawl, Crawler, Definition

_LAST_STATUS = {"COMPLETED": "SUCCEEDED", "FAILED": "FAILED", "STOPPED": "CANCELLED"}


def show_crawler(crawler: Crawler, now_ms: int) -> shapes.Crawler:
    definition = crawler.definition
    running = crawler.state != "READY" and crawler.crawl is not None
    started_ms = crawler.crawl.started_ms if crawler.crawl else now_ms
    return shapes.Crawler(
        name=crawler.name,
        role=definition.role,
        targets=_show_targets(definition),
        database_name=definition.database,
        description=definition.description,
        classifiers=list(definition.classifiers),
        recrawl_policy=shapes.RecrawlPolicy(recrawl_behavior=definition.recrawl_behavior),
        schema_change_policy=shapes.SchemaChangePolicy(
            update_behavior=definition.update_behavior, delete_behavior=definition.delete_behavior
        ),
        lineage_configuration=shapes.LineageConfiguration(crawler_lineage_settings="DISABLE"),
        state=crawler.state,
        table_prefix=definition.table_prefix,
        schedule=_show_schedule(crawler),
        crawl_elapsed_time=now_ms - started_ms if running else 0,
        creation_time=crawler.created_ms / 1000,
        last_updated=crawler.updated_ms / 1000,
        last_crawl=_show_last(crawler),
        version=crawler.version,
        configuration=definition.configuration,
        lake_formation_configuration=shapes.LakeFormationConfiguration(
            use_lake_formation_credentials=False, account_id=""
        ),
    )


def _show_targets(definition: Definition) -> shapes.CrawlerTargets:
    return shapes.CrawlerTargets(
        s3_targets=[
            shapes.S3Target(
                path=target.path,
                exclusions=target.exclusions or [],
                sample_size=target.sample_size,
            )
            for target in definition.targets
        ],
        jdbc_targets=list(definition.jdbc),
        mongo_db_targets=[],
        dynamo_db_targets=[],
        catalog_targets=[],
        delta_targets=list(definition.delta),
        iceberg_targets=list(definition.iceberg),
        hudi_targets=[],
    )


def _show_schedule(crawler: Crawler) -> shapes.Schedule | None:
    if crawler.schedule is None:
        return None
    state = "SCHEDULED" if crawler.schedule_active else "NOT_SCHEDULED"
    return shapes.Schedule(schedule_expression=crawler.schedule, state=state)


def _show_last(crawler: Crawler) -> shapes.LastCrawlInfo | None:
    crawl = crawler.last_crawl
    if crawl is None:
        return None
    return shapes.LastCrawlInfo(
        status=_LAST_STATUS[crawl.state],
        error_message=crawl.error,
        log_group=LOG_GROUP,
        log_stream=crawler.name,
        message_prefix=crawl.id,
        start_time=crawl.started_ms / 1000,
    )


def show_crawl(crawler: Crawler, crawl: Crawl) -> shapes.CrawlerHistory:
    """A crawl in the history. No DPU is used, so there are no hours of one."""
    return shapes.CrawlerHistory(
        crawl_id=crawl.id,
        state=crawl.state,
        start_time=crawl.started_ms / 1000,
        end_time=None if crawl.ended_ms is None else crawl.ended_ms / 1000,
        summary=_summary(crawl.changes),
        error_message=crawl.error,
        log_group=LOG_GROUP,
        log_stream=crawler.name,
        message_prefix=crawl.id,
        dpu_hour=0.0,
    )


def _summary(changes: Changes) -> str:
    """What was written, as JSON: `{"TABLE": {"ADD": 1}, "PARTITION": {"ADD": 12}}`."""
    counts = {
        "TABLE": {
            "ADD": changes.tables_created,
            "UPDATE": changes.tables_updated,
            "DELETE": changes.tables_deleted,
        },
        "PARTITION": {
            "ADD": changes.partitions_created,
            "UPDATE": changes.partitions_updated,
            "DELETE": changes.partitions_deleted,
        },
    }
    told = {
        kind: {action: count for action, count in actions.items() if count}
        for kind, actions in counts.items()
    }
    return json.dumps({kind: actions for kind, actions in told.items() if actions})
