"""The background step that crawls.

It begins by looking at the crawler: one that is not running has nothing to do, one that is being
stopped ends as STOPPED. Otherwise the whole crawl is done from its start, also after a crash:
writing compares first, so what was written stays. A crawl that went down with the platform
`ATTEMPTS_MAX` times is failed, in case that it is the cause.
"""

import logging

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Scope
from millpond.kernel.errors import EngineError, ServiceError
from millpond.kernel.tasks import Task, Wake
from millpond.services.glue import store
from millpond.services.glue.crawl.crawling import (
    Crawling,
    Failed,
    Interrupted,
    Stopped,
    same_crawl,
)
from millpond.services.glue.crawl.lifecycle import end_crawl
from millpond.services.glue.crawlers import Changes, Crawler, CrawlState
from millpond.services.glue.needs import Needs

ATTEMPTS_MAX = 3
ERROR_CHARACTERS_MAX = 2048

_STATUS = {"NoSuchBucket": 404, "AccessDenied": 403}
_log = logging.getLogger(__name__)


async def crawl(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Do the crawl that a crawler is to do; its next due time when the platform ends meanwhile."""
    crawler = await _take_up(needs, task)
    if crawler is None:
        return None
    crawling = Crawling(needs, task, wake, crawler)
    state: CrawlState = "COMPLETED"
    error: str | None = None
    try:
        await crawling.run()
    except Interrupted:
        await _forgive_attempt(needs, task, crawler)
        return needs.clock.now_ms()
    except Stopped:
        state = "STOPPED"
    except Failed as failure:
        state, error = "FAILED", str(failure)
    except ServiceError as refusal:
        state, error = "FAILED", _tell(refusal)
    except EngineError:
        raise
    except Exception:
        _log.exception("The crawl of %s failed.", crawler.name)
        state, error = "FAILED", "Internal Service Exception"
    await _end(needs, task, crawler, state, error, crawling.changes)
    if error is not None:
        crawling.log.note("ERROR", error)
    elif state == "STOPPED":
        crawling.log.note("INFO", "The crawl was stopped.")
    await crawling.log.tell("BENCHMARK", "Crawler has finished running and is in state READY")
    return None


async def _take_up(needs: Needs, task: Task) -> Crawler | None:
    """The crawler, its attempt counted; None when there is nothing to be done (any more)."""

    async def work(transaction: Transaction) -> Crawler | None:
        crawler = await store.load_crawler(transaction, task, task.subject)
        if crawler is None or crawler.crawl is None or crawler.state == "READY":
            return None
        now_ms = needs.clock.now_ms()
        if crawler.state == "STOPPING":
            end_crawl(transaction, task, crawler, "STOPPED", None, now_ms)
            return None
        if crawler.crawl.attempts >= ATTEMPTS_MAX:
            reason = f"The crawl was interrupted {ATTEMPTS_MAX} times."
            end_crawl(transaction, task, crawler, "FAILED", reason, now_ms)
            return None
        return _save_attempt(transaction, task, crawler, 1)

    return await transact(needs.records, work)


def _save_attempt(transaction: Transaction, scope: Scope, crawler: Crawler, more: int) -> Crawler:
    assert crawler.crawl is not None
    attempts = crawler.crawl.attempts + more
    counted = msgspec.structs.replace(
        crawler, crawl=msgspec.structs.replace(crawler.crawl, attempts=attempts)
    )
    store.save_crawler(transaction, scope, counted)
    return counted


async def _forgive_attempt(needs: Needs, task: Task, crawler: Crawler) -> None:
    """The platform ended in good order: that does not count against the crawl."""

    async def work(transaction: Transaction) -> None:
        now = await same_crawl(transaction, task, crawler)
        if now is not None:
            _save_attempt(transaction, task, now, -1)

    await transact(needs.records, work)


async def _end(
    needs: Needs,
    task: Task,
    crawler: Crawler,
    state: CrawlState,
    error: str | None,
    changes: Changes,
) -> None:
    async def work(transaction: Transaction) -> None:
        now = await same_crawl(transaction, task, crawler)
        if now is not None and now.crawl is not None:
            told = msgspec.structs.replace(
                now, crawl=msgspec.structs.replace(now.crawl, changes=changes)
            )
            end_crawl(transaction, task, told, state, error, needs.clock.now_ms())

    await transact(needs.records, work)


def _tell(refusal: ServiceError) -> str:
    """S3's refusal in the words that crawls end with."""
    status = _STATUS.get(refusal.code, refusal.status)
    text = (
        f"{refusal.message} (Service: Amazon S3; Status Code: {status}; Error Code: {refusal.code})"
    )
    return text[:ERROR_CHARACTERS_MAX]
