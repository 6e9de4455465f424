"""Finds the table that a request names."""

import re

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.dynamodb import store
from millpond.services.dynamodb.errors import ResourceNotFound, ValidationError
from millpond.services.dynamodb.model.tables import Table

_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}\Z")
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([^:]*):([^:]*):table/([^/]*)\Z")


def check_name(name: str) -> str:
    """`name`, if a table or index may have it.

    Raises:
        ValidationError
    """
    if not _NAME.match(name):
        raise ValidationError(
            "Invalid table/index name.  Table/index names must be between 3 and 255 characters "
            "long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
        )
    return name


def table_name(call: Call, given: str) -> str:
    """The name of the table that a name or ARN names.

    Raises:
        ValidationError: it is neither.
        ResourceNotFound: an ARN of another account or region.
    """
    if not given.startswith("arn:"):
        return check_name(given)
    found = _ARN.match(given)
    if found is None:
        raise ValidationError(f"Invalid TableArn: {given}")
    region, account, name = found.groups()
    if (region, account) != (call.region, call.account):
        raise ResourceNotFound(f"Requested resource not found: Table: {given} not found")
    return check_name(name)


async def require_table(transaction: Transaction, call: Call, given: str) -> Table:
    """The table for a request about items.

    Raises:
        ResourceNotFound
    """
    table = await store.load_table(transaction, call, table_name(call, given))
    if table is None:
        raise ResourceNotFound("Requested resource not found")
    return table


async def require_named_table(transaction: Transaction, call: Call, given: str) -> Table:
    """The table for a request about tables, whose refusals name it.

    Raises:
        ResourceNotFound
    """
    name = table_name(call, given)
    table = await store.load_table(transaction, call, name)
    if table is None:
        raise ResourceNotFound(f"Requested resource not found: Table: {name} not found")
    return table


def table_arn(call: Call, name: str) -> str:
    return call.arn("dynamodb", f"table/{name}")
