"""Tables of the metastore."""

from collections.abc import Iterator
from typing import Any

from hive_metastore import ttypes as hive

from millpond.engines.spark.apache.metastore import conversion
from millpond.engines.spark.apache.metastore.databases import DEFAULT, Databases, choose
from millpond.engines.spark.apache.metastore.files import delete_below
from millpond.engines.spark.apache.metastore.trouble import refusals

_MANAGED = "MANAGED_TABLE"


class Tables(Databases):
    """See `Databases`."""

    def get_table(self, dbname: str, tbl_name: str) -> hive.Table:
        with refusals(hive.NoSuchObjectException):
            item = self._glue.get_table(
                DatabaseName=conversion.plain_name(dbname), Name=tbl_name.lower()
            )
        return conversion.table(item["Table"])

    def get_table_req(self, req: hive.GetTableRequest) -> hive.GetTableResult:
        return hive.GetTableResult(table=self.get_table(req.dbName, req.tblName))

    def get_table_objects_by_name(self, dbname: str, tbl_names: list[str]) -> list[hive.Table]:
        found = []
        for name in tbl_names:
            try:
                found.append(self.get_table(dbname, name))
            except hive.NoSuchObjectException:
                continue
        return found

    def get_table_objects_by_name_req(self, req: hive.GetTablesRequest) -> hive.GetTablesResult:
        return hive.GetTablesResult(
            tables=self.get_table_objects_by_name(req.dbName, req.tblNames or [])
        )

    def get_all_tables(self, db_name: str) -> list[str]:
        return [one["Name"] for one in self._tables(db_name)]

    def get_tables(self, db_name: str, pattern: str) -> list[str]:
        return choose(self.get_all_tables(db_name), pattern)

    def get_tables_by_type(self, db_name: str, pattern: str, tableType: str) -> list[str]:
        names = [one["Name"] for one in self._tables(db_name) if one.get("TableType") == tableType]
        return choose(names, pattern)

    def get_table_meta(
        self, db_patterns: str, tbl_patterns: str, tbl_types: list[str] | None
    ) -> list[hive.TableMeta]:
        pattern = conversion.plain_name(db_patterns or "*")
        found = []
        for database in choose(self.get_all_databases(), pattern):
            tables = {one["Name"]: one for one in self._tables(database)}
            for name in choose(list(tables), tbl_patterns):
                kind = tables[name].get("TableType") or "EXTERNAL_TABLE"
                if not tbl_types or kind in tbl_types:
                    found.append(hive.TableMeta(database, name, kind))
        return found

    def create_table(self, tbl: hive.Table) -> None:
        database = conversion.plain_name(tbl.dbName).lower()
        given = conversion.table_input(tbl)
        place = given.get("StorageDescriptor", {})
        if given["TableType"] == _MANAGED and not place.get("Location"):
            place["Location"] = f"{self.get_database(database).locationUri}/{given['Name']}"
        if database == DEFAULT:
            self._have_default()
        with refusals(
            hive.AlreadyExistsException, hive.InvalidObjectException, hive.NoSuchObjectException
        ):
            self._glue.create_table(DatabaseName=database, TableInput=given)

    def create_table_with_environment_context(
        self, tbl: hive.Table, environment_context: hive.EnvironmentContext
    ) -> None:
        self.create_table(tbl)

    def alter_table(self, dbname: str, tbl_name: str, new_tbl: hive.Table) -> None:
        given = conversion.table_input(new_tbl)
        moved = conversion.plain_name(new_tbl.dbName).lower() != conversion.plain_name(dbname)
        if given["Name"] != tbl_name.lower() or moved:
            raise hive.InvalidOperationException(
                "Table rename is not supported by the Glue Data Catalog."
            )
        with refusals(hive.InvalidOperationException):
            self._glue.update_table(
                DatabaseName=conversion.plain_name(dbname), TableInput=given, SkipArchive=True
            )

    def alter_table_with_environment_context(
        self,
        dbname: str,
        tbl_name: str,
        new_tbl: hive.Table,
        environment_context: hive.EnvironmentContext,
    ) -> None:
        self.alter_table(dbname, tbl_name, new_tbl)

    def alter_table_with_cascade(
        self, dbname: str, tbl_name: str, new_tbl: hive.Table, cascade: bool
    ) -> None:
        self.alter_table(dbname, tbl_name, new_tbl)

    def drop_table(self, dbname: str, name: str, deleteData: bool) -> None:
        table = self.get_table(dbname, name)
        with refusals(hive.NoSuchObjectException):
            self._glue.delete_table(DatabaseName=conversion.plain_name(dbname), Name=name.lower())
            if deleteData and table.tableType == _MANAGED:
                delete_below(self._s3, table.sd.location)

    def drop_table_with_environment_context(
        self,
        dbname: str,
        name: str,
        deleteData: bool,
        environment_context: hive.EnvironmentContext,
    ) -> None:
        self.drop_table(dbname, name, deleteData)

    def get_fields(self, db_name: str, table_name: str) -> list[hive.FieldSchema]:
        fields: list[hive.FieldSchema] = self.get_table(db_name, table_name).sd.cols
        return fields

    def get_schema(self, db_name: str, table_name: str) -> list[hive.FieldSchema]:
        table = self.get_table(db_name, table_name)
        return [*table.sd.cols, *table.partitionKeys]

    def _tables(self, database: str) -> Iterator[dict[str, Any]]:
        name = conversion.plain_name(database)
        try:
            with refusals(hive.NoSuchObjectException):
                for page in self._glue.get_paginator("get_tables").paginate(DatabaseName=name):
                    yield from page["TableList"]
        except hive.NoSuchObjectException:
            return

    def _have_default(self) -> None:
        try:
            with refusals(hive.AlreadyExistsException):
                self._glue.create_database(DatabaseInput={"Name": DEFAULT})
        except hive.AlreadyExistsException:
            return
