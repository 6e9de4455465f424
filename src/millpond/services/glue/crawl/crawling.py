"""One crawl from listing to catalog."""

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Call, Scope, role_session
from millpond.kernel.tasks import Task, Wake
from millpond.services.glue import store
from millpond.services.glue.classifiers.applying import applying
from millpond.services.glue.classifiers.model import Classifier
from millpond.services.glue.classifiers.store import load_classifier
from millpond.services.glue.crawl import databases
from millpond.services.glue.crawl.configuration import read_configuration
from millpond.services.glue.crawl.database_reading import DatabaseReader, NotRead
from millpond.services.glue.crawl.inventory import Inventory, known_folders, take_inventory
from millpond.services.glue.crawl.known import split_known
from millpond.services.glue.crawl.layout import FoundTable, find_tables
from millpond.services.glue.crawl.naming import table_name
from millpond.services.glue.crawl.open_reading import OpenReader
from millpond.services.glue.crawl.open_tables import BadTable
from millpond.services.glue.crawl.partition_writing import write_partitions
from millpond.services.glue.crawl.plan import TablePlan, plan_table
from millpond.services.glue.crawl.reading import list_target, read_files, sample
from millpond.services.glue.crawl.table_writing import (
    Writer,
    ensure_database,
    retire_table,
    write_table,
)
from millpond.services.glue.crawl.telling import CrawlLog
from millpond.services.glue.crawlers import Changes, Crawler
from millpond.services.glue.infer.classify import Custom
from millpond.services.glue.model import Database
from millpond.services.glue.needs import Needs
from millpond.services.glue.shapes import S3Target, StorageDescriptor

ROLE_ACTIONS = ("s3:ListBucket", "s3:GetObject")
"""What a crawl may do, whatever its role: it only reads."""


class Stopped(Exception):
    """StopCrawler was called."""


class Interrupted(Exception):
    """The platform is ending."""


class Failed(Exception):
    """The crawl cannot be done; the message is for the caller."""


async def same_crawl(transaction: Transaction, scope: Scope, crawler: Crawler) -> Crawler | None:
    """The crawler as it is now, if it is still at the same crawl."""
    now = await store.load_crawler(transaction, scope, crawler.name)
    if now is None or now.crawl is None or crawler.crawl is None or now.state == "READY":
        return None
    return now if now.crawl.id == crawler.crawl.id else None


class Crawling:
    """A crawl under way. `changes` counts what it has written, `log` takes what it tells."""

    def __init__(self, needs: Needs, task: Task, wake: Wake, crawler: Crawler) -> None:
        self._needs = needs
        self._task = task
        self._wake = wake
        self._crawler = crawler
        self._definition = crawler.definition
        self._configuration = read_configuration(crawler.definition.configuration)
        self._call = _call_of(needs, task, crawler)
        self._writer = Writer(
            needs=needs,
            scope=task,
            crawler=crawler.name,
            definition=crawler.definition,
            configuration=self._configuration,
            created_by=self._call.principal.arn,
        )
        self._custom: list[Custom] = []
        self.changes = Changes()
        self.log = CrawlLog(needs, self._call, crawler)

    async def run(self) -> None:
        """Crawl.

        Raises:
            Stopped, Interrupted, Failed: as they say.
            ServiceError: S3's refusal.
        """
        await self.log.tell("BENCHMARK", f"Running Start Crawl for Crawler {self._crawler.name}")
        self._custom = await self._load_classifiers()
        database = await ensure_database(self._writer)
        known = await self._load_known(database)
        plans: dict[str, TablePlan] = {}
        for target in self._definition.targets:
            for plan in await self._plan_target(target, known):
                plans.setdefault(plan.location, plan)
        for plan in (*await self._plan_open_tables(), *await self._plan_databases()):
            plans[plan.location] = plan
        self._check_number(len(plans))
        await self.log.tell(
            "BENCHMARK",
            f"Classification complete, writing results to database {self._definition.database}",
        )
        await self._write(database, list(plans.values()))
        await self.log.tell("BENCHMARK", "Finished writing to Catalog")

    async def _load_classifiers(self) -> list[Custom]:
        async def work(transaction: Transaction) -> list[Classifier]:
            found = []
            for name in self._definition.classifiers:
                classifier = await load_classifier(transaction, self._task, name)
                if classifier is None:
                    raise Failed(f"Classifier {name} not found.")
                found.append(classifier)
            return found

        return [applying(each) for each in await transact(self._needs.records, work)]

    async def _load_known(self, database: Database) -> dict[str, StorageDescriptor]:
        if self._definition.recrawl_behavior != "CRAWL_NEW_FOLDERS_ONLY":
            return {}

        async def work(transaction: Transaction) -> dict[str, StorageDescriptor]:
            return await known_folders(transaction, self._task, database, self._crawler.name)

        return await transact(self._needs.records, work)

    async def _plan_target(
        self, target: S3Target, known: dict[str, StorageDescriptor]
    ) -> list[TablePlan]:
        """The tables that a target holds."""
        listing = await list_target(self._needs, self._call, target, self.checkpoint)
        unknown, files = split_known(listing.bucket, listing.objects, known)
        chosen = sample(unknown, target.sample_size, self._crawler.name)
        files += await read_files(
            self._needs, self._call, listing.bucket, chosen, self.checkpoint, self._custom
        )
        tables = find_tables(
            listing.root,
            files,
            combine=self._configuration.combine_schemas or bool(known),
            table_level=self._configuration.table_level,
            single=listing.single,
        )
        plans = (self._plan(listing.bucket, table) for table in tables)
        return [plan for plan in plans if plan is not None]

    async def _plan_open_tables(self) -> list[TablePlan]:
        """The tables of Delta Lake and Iceberg targets."""
        crawl = self._crawler.crawl
        assert crawl is not None
        prefix = self._definition.table_prefix or ""
        reader = OpenReader(
            self._needs, self._call, self._crawler.name, crawl.id, prefix, self.checkpoint
        )
        try:
            plans = [
                await reader.read_delta(path)
                for target in self._definition.delta
                for path in target.delta_tables or ()
            ]
            for target in self._definition.iceberg:
                plans += await reader.read_iceberg(target)
        except BadTable as error:
            raise Failed(str(error)) from None
        return plans

    async def _plan_databases(self) -> list[TablePlan]:
        """The tables of JDBC targets."""
        crawl = self._crawler.crawl
        assert crawl is not None
        prefix = self._definition.table_prefix or ""
        reader = DatabaseReader(self._needs, self._task, self._crawler.name, crawl.id, prefix)
        plans: list[TablePlan] = []
        for target in self._definition.jdbc:
            await self.checkpoint()
            try:
                plans += await reader.read(target)
            except NotRead as error:
                raise Failed(str(error)) from None
        return plans

    def _plan(self, bucket: str, found: FoundTable) -> TablePlan | None:
        crawl = self._crawler.crawl
        assert crawl is not None
        name = table_name(self._definition.table_prefix or "", f"{bucket}/{found.key}")
        return plan_table(bucket, found, name, self._crawler.name, crawl.id)

    def _check_number(self, count: int) -> None:
        most = self._configuration.tables_max
        if most is not None and count > most:
            raise Failed(
                f"The number of tables detected by crawler: {count}, is greater than the table "
                f"threshold value provided: {most}. No table was created or updated."
            )

    async def _write(self, database: Database, plans: list[TablePlan]) -> None:
        async def take(transaction: Transaction) -> Inventory:
            return await take_inventory(transaction, self._task, database, self._crawler.name)

        inventory = await transact(self._needs.records, take)
        written: set[str] = set()
        for plan in plans:
            await self.checkpoint()
            name = inventory.name_for(plan.table.name, plan.location)
            written.add(name)
            table, changes = await write_table(self._writer, database, name, plan)
            await self._count(changes, name)
            changes = await write_partitions(
                self._writer, database, table, plan.partitions, self.checkpoint
            )
            await self._count(changes, name)
        own = {name: inventory.places[name] for name in inventory.own}
        paths = [target.path or "" for target in self._definition.jdbc]
        retired = (
            *inventory.gone(written, self._definition.paths),
            *databases.gone(own, written, paths),
        )
        for name in retired:
            await self.checkpoint()
            changes = await retire_table(self._writer, database, name)
            await self._count(changes, name)

    async def _count(self, changes: Changes, table: str) -> None:
        """Add to what was written of a table, where metrics can see it while the crawl runs."""
        if changes == Changes():
            return
        self.log.note_table(table, self._definition.database, changes)
        self.changes = self.changes.plus(changes)

        async def work(transaction: Transaction) -> None:
            now = await same_crawl(transaction, self._task, self._crawler)
            if now is not None and now.crawl is not None:
                crawl = msgspec.structs.replace(now.crawl, changes=self.changes)
                counted = msgspec.structs.replace(now, crawl=crawl)
                store.save_crawler(transaction, self._task, counted)

        await transact(self._needs.records, work)

    async def checkpoint(self) -> None:
        """Go on, unless the crawl is to end.

        Raises:
            Stopped, Interrupted: as they say.
        """
        if self._wake.stopping:
            raise Interrupted

        async def work(transaction: Transaction) -> Crawler | None:
            return await same_crawl(transaction, self._task, self._crawler)

        now = await transact(self._needs.records, work)
        if now is None or now.state == "STOPPING":
            raise Stopped


def _call_of(needs: Needs, task: Task, crawler: Crawler) -> Call:
    """The crawl as a caller of S3: the crawler's role, reading alone."""
    return Call(
        service="glue",
        operation="StartCrawler",
        account=task.account,
        region=task.region,
        principal=role_session(task.account, crawler.definition.role, "AWS-Crawler", ROLE_ACTIONS),
        request_id=needs.ids.uuid(),
        endpoint="",
    )
