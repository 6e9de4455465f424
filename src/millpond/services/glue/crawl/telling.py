"""What a crawl tells CloudWatch Logs: lines in `/aws-glue/crawlers`, as AWS's crawlers write them.

A crawl goes on where its lines cannot be put; they are tried again with the next ones.
"""

from dataclasses import replace

from millpond.kernel.call import Call, role_session
from millpond.kernel.log_events import put_log_events
from millpond.services.glue.crawlers import LOG_GROUP, Changes, Crawler
from millpond.services.glue.needs import Needs

LINES_MAX = 10_000
"""Lines that wait for their log; of more, the oldest are lost."""
_ACTIONS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


class CrawlLog:
    """The lines of one crawl: each begins with its id."""

    def __init__(self, needs: Needs, call: Call, crawler: Crawler) -> None:
        assert crawler.crawl is not None
        principal = role_session(call.account, crawler.definition.role, "AWS-Crawler", _ACTIONS)
        self._needs = needs
        self._call = replace(call, principal=principal)
        self._stream = crawler.name
        self._crawl_id = crawler.crawl.id
        self._waiting: list[tuple[int, bytes]] = []

    def note(self, level: str, text: str) -> None:
        """Keep a line for the next time that lines are put."""
        line = f"[{self._crawl_id}] {level} : {text}".encode()
        self._waiting.append((self._needs.clock.now_ms(), line))
        del self._waiting[:-LINES_MAX]

    async def tell(self, level: str, text: str) -> None:
        """Put a line, and those that wait."""
        self.note(level, text)
        if await put_log_events(
            self._needs.call_aws, self._call, LOG_GROUP, self._stream, self._waiting
        ):
            self._waiting = []

    def note_table(self, name: str, database: str, changes: Changes) -> None:
        """Keep lines on what was written of a table."""
        for count, done in (
            (changes.tables_created, "Created table"),
            (changes.tables_updated, "Updated table"),
            (changes.tables_deleted, "Deleted or deprecated table"),
        ):
            if count:
                self.note("INFO", f"{done} {name} in database {database}.")
        for count, done in (
            (changes.partitions_created, "Created"),
            (changes.partitions_updated, "Updated"),
            (changes.partitions_deleted, "Deleted"),
        ):
            if count:
                self.note("INFO", f"{done} {count} partitions of table {name}.")
