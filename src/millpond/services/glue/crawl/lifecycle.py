"""A crawl's beginning and end, and the schedule that begins it: what is written when."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel import tasks
from millpond.kernel.call import Scope
from millpond.services.glue import store
from millpond.services.glue.crawlers import RUNTIMES_KEPT, Crawl, Crawler, CrawlState
from millpond.services.glue.cron import parse_schedule
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration.store import Ended, tell

CRAWL_KIND = "crawl"
SCHEDULE_KIND = "crawler_schedule"
CONDITION_STATES = {"COMPLETED": "SUCCEEDED", "FAILED": "FAILED", "STOPPED": "CANCELLED"}
"""The states of crawls as triggers name them."""


def begin_crawl(
    transaction: Transaction,
    needs: Needs,
    scope: Scope,
    crawler: Crawler,
    *,
    trigger_name: str | None = None,
    workflow_name: str | None = None,
    workflow_run_id: str | None = None,
) -> Crawl:
    """Write that a crawl runs, by a trigger and in a workflow's run or not, and have it done."""
    crawl = Crawl(
        id=needs.ids.uuid(),
        number=crawler.crawl.number + 1 if crawler.crawl else 1,
        started_ms=needs.clock.now_ms(),
        trigger_name=trigger_name,
        workflow_name=workflow_name,
        workflow_run_id=workflow_run_id,
    )
    running = msgspec.structs.replace(crawler, state="RUNNING", crawl=crawl)
    store.save_crawler(transaction, scope, running)
    store.save_crawl(transaction, scope, crawler.id, crawl)
    wake_crawl(transaction, scope, crawler)
    return crawl


def wake_crawl(transaction: Transaction, scope: Scope, crawler: Crawler) -> None:
    """Have the crawl's step look at the crawler again."""
    tasks.schedule(
        transaction,
        tasks.Task("glue", CRAWL_KIND, crawler.name, 0, scope.account, scope.region),
    )


def end_crawl(
    transaction: Transaction,
    scope: Scope,
    crawler: Crawler,
    state: CrawlState,
    error: str | None,
    now_ms: int,
) -> None:
    """Write that the crawler's crawl has ended, and how."""
    assert crawler.crawl is not None
    crawl = msgspec.structs.replace(crawler.crawl, state=state, error=error, ended_ms=now_ms)
    runtimes = (*crawler.runtimes_ms, now_ms - crawl.started_ms)[-RUNTIMES_KEPT:]
    ended = msgspec.structs.replace(
        crawler, state="READY", crawl=crawl, last_crawl=crawl, runtimes_ms=runtimes
    )
    store.save_crawler(transaction, scope, ended)
    store.save_crawl(transaction, scope, crawler.id, crawl)
    if crawl.trigger_name is not None:
        ended_run = Ended(
            kind="CRAWLER",
            name=crawler.name,
            run_id=crawl.id,
            state=CONDITION_STATES[state],
            error=error,
            workflow_name=crawl.workflow_name,
            workflow_run_id=crawl.workflow_run_id,
        )
        tell(transaction, scope, ended_run)


def keep_schedule(
    transaction: Transaction,
    scope: Scope,
    former: Crawler | None,
    crawler: Crawler | None,
    now_ms: int,
) -> None:
    """Have the schedule's step wait for the next time of `crawler`, if it starts by itself.

    If only `former` did, the step is woken, finds nothing to wait for, and ends.
    """
    due_ms = None if crawler is None else next_due_ms(crawler, now_ms)
    waiting = former or crawler
    if waiting is not None and (due_ms is not None or waiting.schedule_active):
        name = waiting.name
        task = tasks.Task("glue", SCHEDULE_KIND, name, due_ms or 0, scope.account, scope.region)
        tasks.schedule(transaction, task)


def next_due_ms(crawler: Crawler, now_ms: int) -> int | None:
    """When the crawler starts by itself next; None when it does not."""
    if crawler.schedule is None or not crawler.schedule_active:
        return None
    return parse_schedule(crawler.schedule).next_after(now_ms)
