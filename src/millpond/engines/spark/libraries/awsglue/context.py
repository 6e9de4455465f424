"""GlueContext: a session's readers and writers, with AWS's names and parameters.

Source: "GlueContext class" (AWS Glue developer guide); signatures as in awslabs/aws-glue-libs.
"""

from __future__ import annotations

import functools
import logging
import re
import time
import uuid
from collections.abc import Mapping
from os.path import commonpath
from typing import Any

from pyspark.sql import SparkSession

from .conversions import to_spark
from .data_sink import DataSink
from .data_source import DataSource
from .dataframereader import DataFrameReader
from .dataframewriter import DataFrameWriter
from .dynamicframe import (
    DynamicFrame,
    DynamicFrameCollection,
    DynamicFrameReader,
    DynamicFrameWriter,
    _database,
)
from .jdbc import write_table
from .jdbc_options import Database
from .purging import purge_path, purge_table
from .refusals import NotSupported
from .sources import JDBC_TYPES, read_catalog, read_options
from .tables import Table
from .writing.target import Target, write_files, write_to_table

_Options = Mapping[str, Any] | None


class GlueContext:
    """`sparkContext` is of no consequence: there is one session in a process."""

    Spark_SQL_Formats = {"parquet", "orc"}

    def __init__(self, sparkContext: Any = None, **options: Any) -> None:
        self.spark_session = SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
        self.spark_session.conf.set("spark.sql.session.timeZone", "UTC")
        self._sc = sparkContext
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.write_data_frame = DataFrameWriter(self)

    def __getattr__(self, name: str) -> Any:
        # What SQLContext offers, by the session: sql, read, table, createDataFrame, udf …
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "sparkSession":
            return self.spark_session
        if hasattr(SparkSession, name):
            return getattr(self.spark_session, name)
        raise AttributeError(f"GlueContext.{name} is not supported.")

    def getConf(self, key: str, defaultValue: Any = None) -> Any:
        return self.spark_session.conf.get(key, defaultValue)

    def setConf(self, key: str, value: Any) -> None:
        self.spark_session.conf.set(key, value)

    def get_logger(self) -> logging.Logger:
        """A logger whose `info`, `warn`, `error` … go to standard error."""
        logger = logging.getLogger("GlueLogger")
        if not logger.handlers:
            handler = logging.StreamHandler()
            handler.setFormatter(
                logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
            )
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
        return logger

    def currentTimeMillis(self) -> int:
        return round(time.time() * 1000)

    # Sources.

    def getSource(
        self,
        connection_type: str,
        format: str | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **options: Any,
    ) -> DataSource:
        def read(named: str | None, format_options: dict[str, Any]) -> Any:
            return read_options(
                self.spark_session,
                connection_type,
                options,
                named or format,
                format_options,
                transformation_ctx,
                push_down_predicate,
            )

        return DataSource(read, self, _source_name(options))

    def getCatalogSource(
        self,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: _Options = None,
        catalog_id: str | None = None,
    ) -> DataSource:
        def read(named: str | None, format_options: dict[str, Any]) -> Any:
            return read_catalog(
                self.spark_session,
                database,
                table_name,
                transformation_ctx,
                push_down_predicate,
                additional_options or {},
                catalog_id,
            )

        return DataSource(read, self, table_name)

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: _Options = None,
        format: str | None = None,
        format_options: _Options = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        source = self.getSource(
            connection_type,
            format,
            transformation_ctx,
            push_down_predicate,
            **dict(connection_options or {}),
        )
        if format:
            source.setFormat(format, **dict(format_options or {}))
        return source.getFrame(**kwargs)

    def create_dynamic_frame_from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: _Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        source = self.getCatalogSource(
            _database(database, table_name, kwargs),
            str(table_name),
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
            catalog_id,
        )
        return source.getFrame(**kwargs)

    def create_dynamic_frame_from_rdd(
        self,
        data: Any,
        name: str,
        schema: Any = None,
        sample_ratio: Any = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        more = {} if sample_ratio is None else {"samplingRatio": sample_ratio}
        frame = self.spark_session.createDataFrame(data, schema, **more)
        return DynamicFrame.fromDF(frame, self, name)

    def create_data_frame_from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: _Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """A DataFrame of what the table holds; streams are refused."""
        return self.create_dynamic_frame_from_catalog(
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
            catalog_id,
            **kwargs,
        ).toDF()

    def create_data_frame_from_options(
        self,
        connection_type: str,
        connection_options: _Options = None,
        format: str | None = None,
        format_options: _Options = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> Any:
        return self.create_dynamic_frame_from_options(
            connection_type,
            connection_options,
            format,
            format_options,
            transformation_ctx,
            push_down_predicate,
            **kwargs,
        ).toDF()

    def get_catalog_schema_as_spark_schema(
        self,
        database: str | None = None,
        table_name: str | None = None,
        catalog_id: str | None = None,
    ) -> Any:
        return to_spark(Table.get(str(database), str(table_name), catalog_id).schema)

    def extract_jdbc_conf(
        self, connection_name: str, catalog_id: str | None = None
    ) -> dict[str, str]:
        """What a connection says: `user`, `password`, `vendor`, `url`, `fullUrl`."""
        found = Database.of_connection(connection_name, catalog_id)
        url = f"jdbc:{found.engine}://{found.host}:{found.port}"
        return {
            "user": found.user,
            "password": found.password,
            "vendor": found.engine,
            "url": url,
            "fullUrl": f"{url}/{found.name}",
            "enforceSSL": "false",
        }

    # Sinks.

    def getSink(
        self,
        connection_type: str,
        format: str | None = None,
        transformation_ctx: str = "",
        **options: Any,
    ) -> DataSink:
        kind = connection_type.lower()
        if kind in JDBC_TYPES:
            sink = DataSink(
                self._jdbc_writer(lambda: Database.of(kind, _without_name(options)), options), self
            )
        elif kind in ("s3", "file", *self.Spark_SQL_Formats):
            sink = DataSink(functools.partial(_write_files, options), self)
        else:
            raise NotSupported(f"The connection type {connection_type} is not supported.")
        if format or kind in self.Spark_SQL_Formats:
            sink.setFormat(format or kind)
        return sink

    def getCatalogSink(
        self,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: _Options = None,
        catalog_id: str | None = None,
    ) -> DataSink:
        given = dict(additional_options or {})

        def write(frame: DynamicFrame, target: Target) -> None:
            table = Table.get(database, table_name, catalog_id)
            if table.connection:
                write_table(frame._rows, Database.of_table(table, given))
            else:
                write_to_table(frame._rows, table, given)

        return DataSink(write, self)

    def getJDBCSink(
        self,
        catalog_connection: str,
        connection_options: _Options = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> DataSink:
        given = dict(connection_options or {})
        for name in ("preactions", "postactions"):
            if given.get(name):
                raise NotSupported(f"connection_options: {name} is not supported.")

        def database() -> Database:
            found = Database.of_connection(catalog_connection, catalog_id)
            return found.reading(_without_name(given))

        return DataSink(self._jdbc_writer(database, given), self)

    def _jdbc_writer(self, database: Any, options: Mapping[str, Any]) -> Any:
        by_name = bool(options.get("useFrameName"))

        def write(frame: DynamicFrame, target: Target) -> None:
            found = database()
            write_table(frame._rows, found.reading({"dbtable": frame.name}) if by_name else found)

        return write

    def write_dynamic_frame_from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: _Options = None,
        format: str | None = None,
        format_options: _Options = None,
        transformation_ctx: str = "",
    ) -> Any:
        return self.write_from_options(
            frame, connection_type, connection_options, format, format_options, transformation_ctx
        )

    def write_from_options(
        self,
        frame_or_dfc: Any,
        connection_type: str,
        connection_options: _Options = None,
        format: str | None = None,
        format_options: _Options = None,
        transformation_ctx: str = "",
        **kwargs: Any,
    ) -> Any:
        options = _named(frame_or_dfc, connection_options)
        sink = self.getSink(connection_type, format, transformation_ctx, **options)
        if format:
            sink.setFormat(format, **dict(format_options or {}))
        return sink.write(frame_or_dfc)

    def write_dynamic_frame_from_catalog(
        self,
        frame: Any,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: _Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        sink = self.getCatalogSink(
            _database(database, table_name, kwargs),
            str(table_name),
            redshift_tmp_dir,
            transformation_ctx,
            additional_options,
            catalog_id,
        )
        return sink.write(frame)

    def write_dynamic_frame_from_jdbc_conf(
        self,
        frame: Any,
        catalog_connection: str,
        connection_options: _Options = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> Any:
        return self.write_from_jdbc_conf(
            frame,
            catalog_connection,
            connection_options,
            redshift_tmp_dir,
            transformation_ctx,
            catalog_id,
        )

    def write_from_jdbc_conf(
        self,
        frame_or_dfc: Any,
        catalog_connection: str,
        connection_options: _Options = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> Any:
        options = _named(frame_or_dfc, connection_options)
        sink = self.getJDBCSink(
            catalog_connection, options, redshift_tmp_dir, transformation_ctx, catalog_id
        )
        return sink.write(frame_or_dfc)

    def write_data_frame_from_catalog(
        self,
        frame: Any,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: _Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        return self.write_dynamic_frame_from_catalog(
            DynamicFrame.fromDF(frame, self, str(table_name)),
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            additional_options,
            catalog_id,
            **kwargs,
        )

    def write_data_frame_from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: _Options = None,
        format: str | None = None,
        format_options: _Options = None,
        transformation_ctx: str = "",
    ) -> Any:
        return self.write_dynamic_frame_from_options(
            DynamicFrame.fromDF(frame, self, "frame"),
            connection_type,
            connection_options,
            format,
            format_options,
            transformation_ctx,
        )

    # Housekeeping.

    def purge_table(
        self,
        database: str,
        table_name: str,
        options: _Options = None,
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> None:
        """Delete a table's files that are older than `retentionPeriod` hours (168), and the
        partitions that have none left."""
        table = Table.get(database, table_name, catalog_id)
        purge_table(table, options or {}, transformation_ctx)

    def purge_s3_path(
        self, s3_path: str, options: _Options = None, transformation_ctx: str = ""
    ) -> None:
        """Delete the files below a path that are older than `retentionPeriod` hours (168)."""
        purge_path(s3_path, options or {}, transformation_ctx)

    def transition_table(self, *args: Any, **kwargs: Any) -> None:
        raise NotSupported("transition_table is not supported: storage classes are not.")

    def transition_s3_path(self, *args: Any, **kwargs: Any) -> None:
        raise NotSupported("transition_s3_path is not supported: storage classes are not.")

    def getStreamingSource(self, *args: Any, **kwargs: Any) -> Any:
        raise NotSupported("getStreamingSource is not supported.")

    def forEachBatch(self, *args: Any, **kwargs: Any) -> None:
        raise NotSupported("forEachBatch is not supported: there are no streaming jobs.")

    def add_ingestion_time_columns(self, *args: Any, **kwargs: Any) -> Any:
        raise NotSupported("add_ingestion_time_columns is not supported.")

    def begin_transaction(self, read_only: bool = False) -> Any:
        raise NotSupported("begin_transaction is not supported: there are no governed tables.")

    start_transaction = begin_transaction

    def commit_transaction(self, transaction_id: str, wait_for_commit: bool = True) -> Any:
        raise NotSupported("commit_transaction is not supported: there are no governed tables.")

    def abort_transaction(self, transaction_id: str) -> Any:
        raise NotSupported("abort_transaction is not supported: there are no governed tables.")

    cancel_transaction = abort_transaction


def _write_files(options: Mapping[str, Any], frame: DynamicFrame, target: Target) -> None:
    write_files(frame._rows, frame.name, options, target)


def _without_name(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "useFrameName"}


def _named(frame_or_dfc: Any, options: _Options) -> dict[str, Any]:
    if isinstance(frame_or_dfc, DynamicFrameCollection):
        return {**(options or {}), "useFrameName": True}
    if isinstance(frame_or_dfc, DynamicFrame):
        return dict(options or {})
    raise TypeError(
        f"frame_or_dfc must be DynamicFrame or DynamicFrameCollection. Got {type(frame_or_dfc)}"
    )


def _source_name(options: Mapping[str, Any]) -> str:
    given = options.get("paths")
    if given:
        paths = [given] if isinstance(given, str) else list(given)
        return re.sub("[:/.]", "", commonpath(paths).split(":")[-1])
    return str(uuid.uuid1()).replace("-", "_")
