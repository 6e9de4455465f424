"""CREATE DATABASE, DROP DATABASE, SHOW DATABASES."""

from typing import Any

from millpond.services.athena.ddl.catalog import Catalog
from millpond.services.athena.ddl.outcome import NOTHING, Outcome
from millpond.services.athena.ddl.patterns import like
from millpond.services.athena.failure import database_not_found, execution_error
from millpond.services.athena.statements import model


async def create(catalog: Catalog, statement: model.CreateDatabase) -> Outcome:
    if await catalog.has_database(statement.name):
        if statement.if_not_exists:
            return NOTHING
        raise execution_error(f"Database {statement.name} already exists")
    database_input: dict[str, Any] = {"Name": statement.name}
    if statement.comment is not None:
        database_input["Description"] = statement.comment
    if statement.location is not None:
        database_input["LocationUri"] = statement.location
    if statement.properties:
        database_input["Parameters"] = dict(statement.properties)
    await catalog.ask("CreateDatabase", DatabaseInput=database_input)
    return NOTHING


async def drop(catalog: Catalog, statement: model.DropDatabase) -> Outcome:
    if not await catalog.has_database(statement.name):
        if statement.if_exists:
            return NOTHING
        raise database_not_found(statement.name)
    if not statement.cascade:
        async for _ in catalog.tables(statement.name):
            raise execution_error(
                f"InvalidOperationException(message:Database {statement.name} is not empty. "
                "One or more tables exist.)"
            )
    await catalog.ask("DeleteDatabase", Name=statement.name)
    return NOTHING


async def show(catalog: Catalog, statement: model.ShowDatabases) -> Outcome:
    matches = like(statement.like)
    names = [database["Name"] async for database in catalog.databases()]
    return Outcome(["database_name"], [name for name in names if matches(name)])
