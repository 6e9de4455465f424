"""SearchTables: tables of all databases by their texts and properties."""

import datetime
import operator
import re
from collections.abc import Callable, Iterator

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.model import Table
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import check_catalog, pages_of
from millpond.services.glue.operations.table_answers import show_table

PAGE_SIZE_DEFAULT = 100

_TIMES = frozenset({"createtime", "updatetime", "lastaccesstime", "lastanalyzedtime"})
_COMPARATORS: dict[str | None, Callable[[float, float], bool]] = {
    None: operator.eq,
    "EQUALS": operator.eq,
    "GREATER_THAN": operator.gt,
    "LESS_THAN": operator.lt,
    "GREATER_THAN_EQUALS": operator.ge,
    "LESS_THAN_EQUALS": operator.le,
}


async def search_tables(
    needs: Needs, call: Call, request: shapes.SearchTablesRequest
) -> shapes.SearchTablesResponse:
    """Tables that hold the words of `SearchText` and pass all `Filters`.

    Words are looked for in names, descriptions, owners, columns, locations and parameters; a text
    in quotes must stand as it is. A filter's value must be one of the words of the property. By
    default tables come by database and name.

    Source: Glue API reference, SearchTables.
    """
    check_catalog(call, request.catalog_id)
    if request.resource_share_type in ("FOREIGN", "FEDERATED"):
        return shapes.SearchTablesResponse(table_list=[])
    criteria = (request.search_text, request.filters, request.sort_criteria)
    paging = pages_of(needs, call, *criteria)
    start = int(paging.open(request.next_token) or 0)
    size = request.max_results or PAGE_SIZE_DEFAULT
    filters = [_filter(predicate) for predicate in request.filters or []]
    text = _text_filter(request.search_text)
    async with needs.records.transaction() as transaction:
        tables = await _all_tables(transaction, call)
    found = [table for table in tables if text(table) and all(test(table) for test in filters)]
    for criterion in request.sort_criteria or []:
        found.sort(key=_sort_key(criterion.field_name or ""), reverse=criterion.sort == "DESC")
    token = paging.seal(str(start + size)) if start + size < len(found) else None
    return shapes.SearchTablesResponse(table_list=found[start : start + size], next_token=token)


async def _all_tables(transaction: Transaction, call: Call) -> list[shapes.Table]:
    tables: list[shapes.Table] = []
    async for database in store.scan_databases(transaction, call):
        table: Table
        async for table in store.scan_tables(transaction, call, database.id):
            tables.append(show_table(call, database.input.name, table))
    return tables


def _texts(table: shapes.Table) -> Iterator[str]:
    yield from filter(None, (table.name, table.database_name, table.description, table.owner))
    storage = table.storage_descriptor
    for column in [*(storage.columns if storage and storage.columns else ()), *_keys(table)]:
        yield column.name
        yield column.comment or ""
    if storage and storage.location:
        yield storage.location
    for name, value in (table.parameters or {}).items():
        yield name
        yield value


def _keys(table: shapes.Table) -> list[shapes.Column]:
    return table.partition_keys or []


def _text_filter(text: str | None) -> Callable[[shapes.Table], bool]:
    if not text:
        return lambda _: True
    if len(text) > 2 and text[0] == text[-1] and text[0] in "'\"":
        exact = text[1:-1].lower()
        return lambda table: any(exact == found.lower() for found in _texts(table))
    words = text.lower().split()

    def matches(table: shapes.Table) -> bool:
        haystack = "\x00".join(_texts(table)).lower()
        return all(word in haystack for word in words)

    return matches


def _filter(predicate: shapes.PropertyPredicate) -> Callable[[shapes.Table], bool]:
    key, value = predicate.key, predicate.value
    if key is None or value is None:
        raise InvalidInput("A filter needs a Key and a Value.")
    if key.lower() in _TIMES:
        compare = _COMPARATORS[predicate.comparator]
        moment = _read_time(value)
        return lambda table: _passes(_time(table, key), compare, moment)
    wanted = value.lower()

    def matches(table: shapes.Table) -> bool:
        found = _property(table, key)
        if found is None:
            return False
        return wanted == found.lower() or wanted in re.split(r"[^0-9a-z]+", found.lower())

    return matches


def _passes(found: float | None, compare: Callable[[float, float], bool], moment: float) -> bool:
    return found is not None and compare(found, moment)


def _time(table: shapes.Table, key: str) -> float | None:
    return {
        "createtime": table.create_time,
        "updatetime": table.update_time,
        "lastaccesstime": table.last_access_time,
        "lastanalyzedtime": table.last_analyzed_time,
    }[key.lower()]


def _property(table: shapes.Table, key: str) -> str | None:
    members = {
        "name": table.name,
        "tablename": table.name,
        "databasename": table.database_name,
        "description": table.description,
        "owner": table.owner,
        "tabletype": table.table_type,
        "catalogid": table.catalog_id,
    }
    if key.lower() in members:
        return members[key.lower()]
    return (table.parameters or {}).get(key)


def _read_time(text: str) -> float:
    """Epoch seconds of a number or of an ISO 8601 time."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is not a time.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()


def _sort_key(field: str) -> Callable[[shapes.Table], tuple[float, str]]:
    if field.lower() in _TIMES:
        return lambda table: (_time(table, field) or 0, "")
    return lambda table: (0, (_property(table, field) or "").lower())
