"""What most operations begin with: whose catalog, which database, which table, which page."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.kernel.pages import BadToken
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


class Paging:
    """One question's pages: where this one begins, and the token of the next one."""

    def __init__(self, needs: Needs, call: Call, *question: object) -> None:
        self._pages = needs.pages
        parts = (call.operation, call.account, call.region, *question)
        self._question = "\x00".join(str(part or "") for part in parts)

    def open(self, token: str | None) -> str:
        """The position that a token holds; the empty text without one.

        Raises:
            InvalidInput: the token is not one of this question.
        """
        if not token:
            return ""
        try:
            return self._pages.open(self._question, token)
        except BadToken as error:
            raise InvalidInput(f"NextToken is not valid. {error}") from None

    def seal(self, position: str) -> str:
        return self._pages.seal(self._question, position)
