"""What most operations begin with: whose catalog, which database, which table, which page."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.kernel.pages import Paging
from millpond.services.glue import store
from millpond.services.glue.errors import EntityNotFound, InvalidInput
from millpond.services.glue.model import Database, Table, fold
from millpond.services.glue.needs import Needs


def check_catalog(call: Call, catalog_id: str | None) -> None:
    """An account has one catalog, its own.

    Raises:
        EntityNotFound: another one is asked for.
    """
    if catalog_id is not None and catalog_id != call.account:
        raise EntityNotFound(f"Catalog {catalog_id} not found.")


async def require_database(transaction: Transaction, call: Call, name: str) -> Database:
    """The database.

    Raises:
        EntityNotFound: there is none of that name.
    """
    database = await store.load_database(transaction, call, fold(name))
    if database is None:
        raise EntityNotFound(f"Database {fold(name)} not found.")
    return database


async def require_table(
    transaction: Transaction, call: Call, database_name: str, name: str
) -> tuple[Database, Table]:
    """The table and its database.

    Raises:
        EntityNotFound: one of them is not there.
    """
    database = await require_database(transaction, call, database_name)
    table = await store.load_table(transaction, call, database, fold(name))
    if table is None:
        raise EntityNotFound(f"Table {fold(name)} not found.")
    return database, table


def pages_of(needs: Needs, call: Call, *question: object) -> Paging:
    """The pages of one question; `open` raises InvalidInput."""
    return Paging(
        needs.pages, call, question, lambda error: InvalidInput(f"NextToken is not valid. {error}")
    )
