"""Asks databases for their tables, for a crawl."""

from dataclasses import asdict, dataclass, replace

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Scope
from millpond.services.glue.connections.asking import NoAnswer, ask
from millpond.services.glue.connections.model import Stored, Target, read_target
from millpond.services.glue.connections.store import load_connection
from millpond.services.glue.crawl.databases import (
    is_excluded,
    plan_database_table,
    split_database_path,
)
from millpond.services.glue.crawl.plan import TablePlan
from millpond.services.glue.needs import Needs
from millpond.services.glue.shapes import JdbcTarget

_INSPECTION = "millpond.services.glue.connections.inspection"
_SECONDS_MAX = 300.0


class NotRead(Exception):
    """A database cannot be asked; the text says why."""


@dataclass(frozen=True, slots=True)
class DatabaseReader:
    """One crawl's reading. `prefix` begins the names of tables."""

    needs: Needs
    scope: Scope
    crawler: str
    crawl_id: str
    prefix: str

    async def read(self, target: JdbcTarget) -> list[TablePlan]:
        """The tables of a target.

        Raises:
            NotRead: the connection is not there, or does not lead into the database.
        """
        name = target.connection_name or ""
        database, pattern = split_database_path(target.path or "")
        entered = replace(await self._entered(name), database=database)
        question = {"target": asdict(entered), "patterns": [pattern]}
        try:
            answer = await ask(self.needs, _INSPECTION, question, _SECONDS_MAX)
        except NoAnswer as error:
            raise NotRead(f"Connection {name}: {error}") from None
        plans = [
            plan_database_table(
                found,
                engine=entered.engine,
                database=database,
                connection=name,
                prefix=self.prefix,
                crawler=self.crawler,
                crawl_id=self.crawl_id,
            )
            for found in answer["tables"]
        ]
        return [plan for plan in plans if not is_excluded(plan.location, target.exclusions or [])]

    async def _entered(self, name: str) -> Target:
        async def work(transaction: Transaction) -> Stored | None:
            return await load_connection(transaction, self.scope, name)

        stored = await transact(self.needs.records, work)
        if stored is None or stored.input.connection_type != "JDBC":
            raise NotRead(f"There is no JDBC connection {name}.")
        return read_target(stored.input.connection_properties)
