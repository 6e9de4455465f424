"""Crawlers: their definitions."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.crawl.lifecycle import keep_schedule
from millpond.services.glue.crawlers import (
    DATABASE_DEFAULT,
    Crawler,
    Definition,
    change_policies,
    check_definition,
    check_options,
    check_schedule,
    read_targets,
    role_name,
)
from millpond.services.glue.errors import (
    AlreadyExists,
    CrawlerRunning,
    EntityNotFound,
    InvalidInput,
)
from millpond.services.glue.model import fold, merge_tags
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.classifiers import require_classifier
from millpond.services.glue.operations.crawler_answers import show_crawler
from millpond.services.glue.operations.scope import check_catalog, pages_of

PAGE_SIZE_DEFAULT = 100


async def require_crawler(transaction: Transaction, call: Call, name: str) -> Crawler:
    """The crawler.

    Raises:
        EntityNotFound: there is none of that name.
    """
    crawler = await store.load_crawler(transaction, call, name)
    if crawler is None:
        raise EntityNotFound(f"Crawler {name} not found.")
    return crawler


async def create_crawler(
    needs: Needs, call: Call, request: shapes.CreateCrawlerRequest
) -> shapes.CreateCrawlerResponse:
    """Define a crawler of S3; with a schedule it starts by itself from now on.

    Raises:
        AlreadyExists: the name is taken.
        InvalidInput: the definition does not fit, or uses what is not implemented.

    Source: Glue API reference, CreateCrawler.
    """
    check_catalog(call, request.catalog_id)
    check_options(
        lineage=request.lineage_configuration,
        lake_formation=request.lake_formation_configuration,
        security=request.crawler_security_configuration,
    )
    targets = read_targets(request.targets)
    definition = Definition(
        role=role_name(request.role),
        targets=targets.s3,
        delta=targets.delta,
        iceberg=targets.iceberg,
        jdbc=targets.jdbc,
        database=fold(request.database_name or DATABASE_DEFAULT),
        description=request.description,
        table_prefix=request.table_prefix,
        configuration=request.configuration or None,
        classifiers=tuple(request.classifiers or ()),
    )
    definition = change_policies(definition, request.schema_change_policy, request.recrawl_policy)
    check_definition(definition)
    if request.schedule:
        check_schedule(request.schedule)
    async with needs.records.transaction() as transaction:
        if await store.load_crawler(transaction, call, request.name):
            raise AlreadyExists(f"Crawler with name {request.name} already exists")
        await _check_classifiers(transaction, call, definition)
        now_ms = needs.clock.now_ms()
        crawler = Crawler(
            id=needs.ids.hex(8),
            name=request.name,
            definition=definition,
            created_ms=now_ms,
            updated_ms=now_ms,
            schedule=request.schedule or None,
            schedule_active=bool(request.schedule),
        )
        store.save_crawler(transaction, call, crawler)
        tags = merge_tags({}, request.tags or {})
        store.save_tags(transaction, call, f"crawler/{crawler.name}", tags)
        keep_schedule(transaction, call, None, crawler, now_ms)
    return shapes.CreateCrawlerResponse()


async def update_crawler(
    needs: Needs, call: Call, request: shapes.UpdateCrawlerRequest
) -> shapes.UpdateCrawlerResponse:
    """Change what is given of a definition; the rest stays.

    Raises:
        CrawlerRunning: it is running.

    Source: Glue API reference, UpdateCrawler.
    """
    check_catalog(call, request.catalog_id)
    check_options(
        lineage=request.lineage_configuration,
        lake_formation=request.lake_formation_configuration,
        security=request.crawler_security_configuration,
    )
    if request.schedule:
        check_schedule(request.schedule)
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.name)
        if crawler.state != "READY":
            raise CrawlerRunning(f"Crawler with name {crawler.name} is running")
        now_ms = needs.clock.now_ms()
        definition = _change_definition(crawler.definition, request)
        check_definition(definition)
        if request.classifiers is not None:
            await _check_classifiers(transaction, call, definition)
        updated = msgspec.structs.replace(
            crawler, definition=definition, version=crawler.version + 1, updated_ms=now_ms
        )
        if request.schedule is not None:
            updated = msgspec.structs.replace(
                updated, schedule=request.schedule or None, schedule_active=bool(request.schedule)
            )
        store.save_crawler(transaction, call, updated)
        keep_schedule(transaction, call, crawler, updated, now_ms)
    return shapes.UpdateCrawlerResponse()


async def _check_classifiers(transaction: Transaction, call: Call, definition: Definition) -> None:
    for name in definition.classifiers:
        await require_classifier(transaction, call, name)


def _change_definition(definition: Definition, request: shapes.UpdateCrawlerRequest) -> Definition:
    if request.role is not None:
        definition = msgspec.structs.replace(definition, role=role_name(request.role))
    if request.database_name is not None:
        database = fold(request.database_name or DATABASE_DEFAULT)
        definition = msgspec.structs.replace(definition, database=database)
    if request.description is not None:
        definition = msgspec.structs.replace(definition, description=request.description)
    if request.targets is not None:
        targets = read_targets(request.targets)
        definition = msgspec.structs.replace(
            definition,
            targets=targets.s3,
            delta=targets.delta,
            iceberg=targets.iceberg,
            jdbc=targets.jdbc,
        )
    if request.table_prefix is not None:
        definition = msgspec.structs.replace(definition, table_prefix=request.table_prefix)
    if request.classifiers is not None:
        names = tuple(request.classifiers)
        definition = msgspec.structs.replace(definition, classifiers=names)
    if request.configuration is not None:
        text = request.configuration or None
        definition = msgspec.structs.replace(definition, configuration=text)
    return change_policies(definition, request.schema_change_policy, request.recrawl_policy)


async def delete_crawler(
    needs: Needs, call: Call, request: shapes.DeleteCrawlerRequest
) -> shapes.DeleteCrawlerResponse:
    """Remove a crawler with its history; the tables it made stay.

    Raises:
        CrawlerRunning: it is running.

    Source: Glue API reference, DeleteCrawler.
    """
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.name)
        if crawler.state != "READY":
            raise CrawlerRunning(f"Crawler with name {crawler.name} is running")
        store.delete_crawler(transaction, call, crawler.name)
        store.save_tags(transaction, call, f"crawler/{crawler.name}", {})
        store.schedule_sweep(transaction, call, "sweep_crawler", crawler.id)
        keep_schedule(transaction, call, crawler, None, needs.clock.now_ms())
    return shapes.DeleteCrawlerResponse()


async def get_crawler(
    needs: Needs, call: Call, request: shapes.GetCrawlerRequest
) -> shapes.GetCrawlerResponse:
    """A crawler.

    Source: Glue API reference, GetCrawler.
    """
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.name)
    return shapes.GetCrawlerResponse(crawler=show_crawler(crawler, needs.clock.now_ms()))


async def get_crawlers(
    needs: Needs, call: Call, request: shapes.GetCrawlersRequest
) -> shapes.GetCrawlersResponse:
    """All crawlers by name. Source: Glue API reference, GetCrawlers."""
    paging = pages_of(needs, call)
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.Crawler] = []
    async with needs.records.transaction() as transaction:
        async for crawler in store.scan_crawlers(transaction, call, after):
            if len(found) == size:
                token = paging.seal(found[-1].name or "")
                return shapes.GetCrawlersResponse(crawlers=found, next_token=token)
            found.append(show_crawler(crawler, needs.clock.now_ms()))
    return shapes.GetCrawlersResponse(crawlers=found)


async def batch_get_crawlers(
    needs: Needs, call: Call, request: shapes.BatchGetCrawlersRequest
) -> shapes.BatchGetCrawlersResponse:
    """Crawlers by their names.

    Source: Glue API reference, BatchGetCrawlers.
    """
    found: list[shapes.Crawler] = []
    missing: list[str] = []
    async with needs.records.transaction() as transaction:
        for name in dict.fromkeys(request.crawler_names):
            crawler = await store.load_crawler(transaction, call, name)
            if crawler is None:
                missing.append(name)
            else:
                found.append(show_crawler(crawler, needs.clock.now_ms()))
    return shapes.BatchGetCrawlersResponse(crawlers=found, crawlers_not_found=missing)


async def list_crawlers(
    needs: Needs, call: Call, request: shapes.ListCrawlersRequest
) -> shapes.ListCrawlersResponse:
    """Names of the crawlers that have all the tags asked for.

    Source: Glue API reference, ListCrawlers.
    """
    wanted = request.tags or {}
    paging = pages_of(needs, call, sorted(wanted.items()))
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[str] = []
    async with needs.records.transaction() as transaction:
        async for crawler in store.scan_crawlers(transaction, call, after):
            if wanted:
                tags = await store.load_tags(transaction, call, f"crawler/{crawler.name}")
                if not wanted.items() <= tags.items():
                    continue
            if len(found) == size:
                token = paging.seal(found[-1])
                return shapes.ListCrawlersResponse(crawler_names=found, next_token=token)
            found.append(crawler.name)
    return shapes.ListCrawlersResponse(crawler_names=found)


async def update_crawler_schedule(
    needs: Needs, call: Call, request: shapes.UpdateCrawlerScheduleRequest
) -> shapes.UpdateCrawlerScheduleResponse:
    """Give a crawler another schedule, in force at once; an empty one takes it away.

    Source: Glue API reference, UpdateCrawlerSchedule.
    """
    if request.schedule is None:
        raise InvalidInput("Schedule cannot be null.")
    if request.schedule:
        check_schedule(request.schedule)
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.crawler_name)
        now_ms = needs.clock.now_ms()
        updated = msgspec.structs.replace(
            crawler,
            schedule=request.schedule or None,
            schedule_active=bool(request.schedule),
            updated_ms=now_ms,
        )
        store.save_crawler(transaction, call, updated)
        keep_schedule(transaction, call, crawler, updated, now_ms)
    return shapes.UpdateCrawlerScheduleResponse()
