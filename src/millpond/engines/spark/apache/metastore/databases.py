"""Databases and functions of the metastore."""

import fnmatch
from typing import Any

from hive_metastore import ttypes as hive

from millpond.engines.spark.apache.metastore import conversion
from millpond.engines.spark.apache.metastore.trouble import refusals

DEFAULT = "default"


class Databases:
    """`glue` and `s3` are clients of boto3; `warehouse` is where databases without a place of
    their own keep tables."""

    def __init__(self, glue: Any, s3: Any, warehouse: str) -> None:
        self._glue, self._s3, self._warehouse = glue, s3, warehouse.rstrip("/")

    def get_all_databases(self) -> list[str]:
        with refusals():
            names = [
                one["Name"]
                for page in self._glue.get_paginator("get_databases").paginate()
                for one in page["DatabaseList"]
            ]
        return names if DEFAULT in names else sorted([*names, DEFAULT])

    def get_databases(self, pattern: str) -> list[str]:
        return choose(self.get_all_databases(), conversion.plain_name(pattern))

    def get_database(self, name: str) -> hive.Database:
        name = conversion.plain_name(name).lower()
        try:
            with refusals(hive.NoSuchObjectException):
                item = self._glue.get_database(Name=name)["Database"]
        except hive.NoSuchObjectException:
            if name != DEFAULT:
                raise
            item = {"Name": DEFAULT, "Description": "Default Hive database"}
        return conversion.database(item, self._place_of(name))

    def get_database_req(self, request: Any) -> hive.Database:
        return self.get_database(request.name)

    def create_database(self, database: hive.Database) -> None:
        given = conversion.database_input(database)
        if given["Name"] == DEFAULT and given.get("LocationUri", "").startswith("file:"):
            # Spark makes it as it starts, in a folder of this cluster that no other one has.
            given.pop("LocationUri")
        with refusals(hive.AlreadyExistsException, hive.InvalidObjectException):
            self._glue.create_database(DatabaseInput=given)

    def alter_database(self, dbname: str, db: hive.Database) -> None:
        with refusals(hive.NoSuchObjectException):
            self._glue.update_database(
                Name=conversion.plain_name(dbname), DatabaseInput=conversion.database_input(db)
            )

    def drop_database(self, name: str, deleteData: bool, cascade: bool) -> None:
        name = conversion.plain_name(name)
        with refusals(hive.NoSuchObjectException, hive.InvalidOperationException):
            tables = self._glue.get_tables(DatabaseName=name, MaxResults=1)["TableList"]
            if tables and not cascade:
                raise hive.InvalidOperationException(
                    f"Database {name} is not empty. One or more tables exist."
                )
            self._glue.delete_database(Name=name)

    def get_functions(self, dbName: str, pattern: str) -> list[str]:
        return [one["FunctionName"] for one in self._functions(dbName, pattern)]

    def get_all_functions(self) -> hive.GetAllFunctionsResponse:
        found = [
            conversion.function(one)
            for name in self.get_all_databases()
            for one in self._functions(name, "*")
        ]
        return hive.GetAllFunctionsResponse(functions=found)

    def get_function(self, dbName: str, funcName: str) -> hive.Function:
        with refusals(hive.NoSuchObjectException):
            item = self._glue.get_user_defined_function(
                DatabaseName=conversion.plain_name(dbName), FunctionName=funcName
            )
        return conversion.function(item["UserDefinedFunction"])

    def create_function(self, func: hive.Function) -> None:
        with refusals(
            hive.AlreadyExistsException, hive.InvalidObjectException, hive.NoSuchObjectException
        ):
            self._glue.create_user_defined_function(
                DatabaseName=conversion.plain_name(func.dbName),
                FunctionInput=conversion.function_input(func),
            )

    def alter_function(self, dbName: str, funcName: str, newFunc: hive.Function) -> None:
        with refusals(hive.InvalidOperationException):
            self._glue.update_user_defined_function(
                DatabaseName=conversion.plain_name(dbName),
                FunctionName=funcName,
                FunctionInput=conversion.function_input(newFunc),
            )

    def drop_function(self, dbName: str, funcName: str) -> None:
        with refusals(hive.NoSuchObjectException):
            self._glue.delete_user_defined_function(
                DatabaseName=conversion.plain_name(dbName), FunctionName=funcName
            )

    def _functions(self, database: str, pattern: str) -> list[dict[str, Any]]:
        name = conversion.plain_name(database)
        try:
            with refusals(hive.NoSuchObjectException):
                pages = self._glue.get_paginator("get_user_defined_functions").paginate(
                    DatabaseName=name, Pattern="*"
                )
                found = [one for page in pages for one in page["UserDefinedFunctions"]]
        except hive.NoSuchObjectException:
            return []
        wanted = set(choose([one["FunctionName"] for one in found], pattern))
        return [one for one in found if one["FunctionName"] in wanted]

    def _place_of(self, name: str) -> str:
        return self._warehouse if name == DEFAULT else f"{self._warehouse}/{name}.db"


def choose(names: list[str], pattern: str | None) -> list[str]:
    """The names that a pattern of Hive's finds: `*` for any text, `|` between patterns."""
    patterns = [one.strip().lower().replace(".*", "*") for one in (pattern or "*").split("|")]
    return [
        name for name in names if any(fnmatch.fnmatchcase(name.lower(), one) for one in patterns)
    ]
