"""What the catalog has before a crawl writes: names that are taken, and what is already known."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.glue import store
from millpond.services.glue.crawl.naming import distinct_name, same_place, split_path
from millpond.services.glue.crawl.plan import UPDATED_BY
from millpond.services.glue.model import Database, Table
from millpond.services.glue.partition_store import Partitions
from millpond.services.glue.shapes import StorageDescriptor


@dataclass(slots=True)
class Inventory:
    """Tables of a database: where each is (by name), and which of them the crawler wrote."""

    places: dict[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)

    def name_for(self, wanted: str, location: str) -> str:
        """The name for a table at `location`: the one it has already, or `wanted`, or, where that
        is taken by another place, `wanted` with a suffix. It is taken from now on."""
        name = self._name_at(wanted, location)
        self.places[name] = location
        return name

    def _name_at(self, wanted: str, location: str) -> str:
        for name in self.own:
            if same_place(self.places.get(name), location):
                return name
        if wanted not in self.places or same_place(self.places[wanted], location):
            return wanted
        return distinct_name(wanted, location)

    def gone(self, found: Iterable[str], targets: Iterable[str]) -> list[str]:
        """The crawler's own tables within its targets that it did not find any more."""
        kept = set(found)
        paths = [split_path(target) for target in targets]
        return sorted(
            name
            for name in self.own - kept
            if any(_covers(path, self.places[name]) for path in paths)
        )


def _covers(target: tuple[str, str], location: str) -> bool:
    bucket, key = split_path(location)
    path = target[1].rstrip("/")
    return bucket == target[0] and (not path or f"{key}/".startswith(f"{path}/"))


async def take_inventory(
    transaction: Transaction, scope: Scope, database: Database, crawler: str
) -> Inventory:
    inventory = Inventory()
    async for table in store.scan_tables(transaction, scope, database.id):
        storage = table.input.storage_descriptor
        inventory.places[table.input.name] = (storage and storage.location) or ""
        if is_own(table, crawler):
            inventory.own.add(table.input.name)
    return inventory


def is_own(table: Table, crawler: str) -> bool:
    return (table.input.parameters or {}).get(UPDATED_BY) == crawler


async def known_folders(
    transaction: Transaction, scope: Scope, database: Database, crawler: str
) -> dict[str, StorageDescriptor]:
    """The folders that the crawler's tables and partitions are in, with what is known of each."""
    known: dict[str, StorageDescriptor] = {}
    async for table in store.scan_tables(transaction, scope, database.id):
        if not is_own(table, crawler):
            continue
        storages = [] if table.keys else [table.input.storage_descriptor]
        partitions = Partitions(transaction, scope, table.id)
        async for _, _, record in partitions.scan():
            storages.append((await partitions.decode(record)).input.storage_descriptor)
        for storage in storages:
            if storage is not None and storage.location:
                known[storage.location] = storage
    return known
