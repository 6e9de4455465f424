"""Runs of crawlers: start, stop, schedule, history, metrics."""

import operator
from collections.abc import Callable

import msgspec

from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.crawl.lifecycle import begin_crawl, keep_schedule, wake_crawl
from millpond.services.glue.crawlers import Crawl, Crawler
from millpond.services.glue.errors import (
    CrawlerNotRunning,
    CrawlerRunning,
    CrawlerStopping,
    InvalidInput,
    NoSchedule,
    SchedulerNotRunning,
    SchedulerRunning,
)
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.crawler_answers import show_crawl
from millpond.services.glue.operations.crawlers import require_crawler
from millpond.services.glue.operations.scope import pages_of

PAGE_SIZE_DEFAULT = 20
METRICS_PAGE_SIZE_DEFAULT = 100

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GT": operator.gt,
    "GE": operator.ge,
    "LT": operator.lt,
    "LE": operator.le,
    "EQ": operator.eq,
    "NE": operator.ne,
}


async def start_crawler(
    needs: Needs, call: Call, request: shapes.StartCrawlerRequest
) -> shapes.StartCrawlerResponse:
    """Begin a crawl.

    Raises:
        CrawlerRunning: one is under way.

    Source: Glue API reference, StartCrawler.
    """
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.name)
        if crawler.state != "READY":
            raise CrawlerRunning(f"Crawler with name {crawler.name} has already started")
        begin_crawl(transaction, needs, call, crawler)
    return shapes.StartCrawlerResponse()


async def stop_crawler(
    needs: Needs, call: Call, request: shapes.StopCrawlerRequest
) -> shapes.StopCrawlerResponse:
    """Have the crawl that is under way end; what it wrote so far stays.

    Raises:
        CrawlerNotRunning: none is.
        CrawlerStopping: it is ending already.

    Source: Glue API reference, StopCrawler.
    """
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.name)
        if crawler.state == "READY":
            raise CrawlerNotRunning(f"Crawler with name {crawler.name} isn't running")
        if crawler.state == "STOPPING":
            raise CrawlerStopping(f"Crawler with name {crawler.name} is stopping")
        stopping = msgspec.structs.replace(crawler, state="STOPPING")
        store.save_crawler(transaction, call, stopping)
        wake_crawl(transaction, call, crawler)
    return shapes.StopCrawlerResponse()


async def start_crawler_schedule(
    needs: Needs, call: Call, request: shapes.StartCrawlerScheduleRequest
) -> shapes.StartCrawlerScheduleResponse:
    """Let the crawler start by its schedule.

    Raises:
        NoSchedule: it has none.
        SchedulerRunning: it does so already.

    Source: Glue API reference, StartCrawlerSchedule.
    """
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.crawler_name)
        if crawler.schedule is None:
            raise NoSchedule(f"Crawler with name {crawler.name} has no schedule")
        if crawler.schedule_active:
            raise SchedulerRunning(f"The schedule of crawler {crawler.name} is running")
        started = msgspec.structs.replace(crawler, schedule_active=True)
        store.save_crawler(transaction, call, started)
        keep_schedule(transaction, call, crawler, started, needs.clock.now_ms())
    return shapes.StartCrawlerScheduleResponse()


async def stop_crawler_schedule(
    needs: Needs, call: Call, request: shapes.StopCrawlerScheduleRequest
) -> shapes.StopCrawlerScheduleResponse:
    """Keep the schedule, but do not start by it; a crawl under way goes on.

    Raises:
        SchedulerNotRunning: it does not start by itself as it is.

    Source: Glue API reference, StopCrawlerSchedule.
    """
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.crawler_name)
        if not crawler.schedule_active:
            raise SchedulerNotRunning(f"The schedule of crawler {crawler.name} is not running")
        stopped = msgspec.structs.replace(crawler, schedule_active=False)
        store.save_crawler(transaction, call, stopped)
        keep_schedule(transaction, call, crawler, stopped, needs.clock.now_ms())
    return shapes.StopCrawlerScheduleResponse()


async def list_crawls(
    needs: Needs, call: Call, request: shapes.ListCrawlsRequest
) -> shapes.ListCrawlsResponse:
    """A crawler's crawls that pass all filters, the latest first.

    Source: Glue API reference, ListCrawls.
    """
    filters = [_filter(given) for given in request.filters or []]
    paging = pages_of(needs, call, request.crawler_name, request.filters)
    position = paging.open(request.next_token)
    before = int(position) if position else None
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.CrawlerHistory] = []
    last = 0
    async with needs.records.transaction() as transaction:
        crawler = await require_crawler(transaction, call, request.crawler_name)
        async for crawl in store.scan_crawls(transaction, call, crawler.id, before):
            if not all(test(crawl) for test in filters):
                continue
            if len(found) == size:
                return shapes.ListCrawlsResponse(crawls=found, next_token=paging.seal(str(last)))
            last = crawl.number
            found.append(show_crawl(crawler, crawl))
    return shapes.ListCrawlsResponse(crawls=found)


def _filter(given: shapes.CrawlsFilter) -> Callable[[Crawl], bool]:
    name, sign, value = given.field_name, given.filter_operator, given.field_value
    if name is None or sign is None or value is None:
        told = [text if text is not None else "null" for text in (name, sign, value)]
        raise InvalidInput(
            f"Invalid Filter Provided: FieldName: {told[0]}, FilterOperator: {told[1]}, "
            f"FieldValue: {told[2]}"
        )
    if name in ("CRAWL_ID", "STATE"):
        if sign not in ("EQ", "NE"):
            raise InvalidInput(f"Only EQ or NE operator is allowed for field : {name}")
        equal = sign == "EQ"
        return lambda crawl: ((crawl.id if name == "CRAWL_ID" else crawl.state) == value) is equal
    try:
        bound = float(value)
    except ValueError:
        raise InvalidInput(f"FieldValue {value} of {name} is not a number.") from None
    compare = _COMPARE[sign]
    return lambda crawl: _passes(_number(crawl, name), compare, bound)


def _passes(found: float | None, compare: Callable[[float, float], bool], bound: float) -> bool:
    return found is not None and compare(found, bound)


def _number(crawl: Crawl, name: str) -> float | None:
    if name == "DPU_HOUR":
        return 0.0
    return crawl.started_ms if name == "START_TIME" else crawl.ended_ms


async def get_crawler_metrics(
    needs: Needs, call: Call, request: shapes.GetCrawlerMetricsRequest
) -> shapes.GetCrawlerMetricsResponse:
    """How long crawlers take, and what their latest crawl wrote so far.

    Source: Glue API reference, GetCrawlerMetrics.
    """
    wanted = set(request.crawler_name_list or ())
    paging = pages_of(needs, call, sorted(wanted))
    after = paging.open(request.next_token)
    size = request.max_results or METRICS_PAGE_SIZE_DEFAULT
    found: list[shapes.CrawlerMetrics] = []
    async with needs.records.transaction() as transaction:
        async for crawler in store.scan_crawlers(transaction, call, after):
            if wanted and crawler.name not in wanted:
                continue
            if len(found) == size:
                token = paging.seal(found[-1].crawler_name or "")
                return shapes.GetCrawlerMetricsResponse(
                    crawler_metrics_list=found, next_token=token
                )
            found.append(_metrics(crawler, needs.clock.now_ms()))
    return shapes.GetCrawlerMetricsResponse(crawler_metrics_list=found)


def _metrics(crawler: Crawler, now_ms: int) -> shapes.CrawlerMetrics:
    """The time left is the median of former crawls less what has passed; unknown in the first."""
    from statistics import median  # noqa: PLC0415 - slow, and seldom asked

    runtimes = crawler.runtimes_ms
    median_ms = median(runtimes) if runtimes else 0.0
    running = crawler.state != "READY" and crawler.crawl is not None
    passed_ms = now_ms - crawler.crawl.started_ms if running and crawler.crawl else 0
    changes = crawler.crawl.changes if crawler.crawl else None
    return shapes.CrawlerMetrics(
        crawler_name=crawler.name,
        time_left_seconds=max(0.0, median_ms - passed_ms) / 1000 if running else 0.0,
        still_estimating=running and not runtimes,
        last_runtime_seconds=runtimes[-1] / 1000 if runtimes else 0.0,
        median_runtime_seconds=median_ms / 1000,
        tables_created=changes.tables_created if changes else 0,
        tables_updated=changes.tables_updated if changes else 0,
        tables_deleted=changes.tables_deleted if changes else 0,
    )
