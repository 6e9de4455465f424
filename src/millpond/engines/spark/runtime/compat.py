"""What PySpark programs written for a cluster expect, on a PySpark that is a client only.

* `.master("yarn")` is of no consequence on a cluster that is there already; the client would
  refuse it beside SPARK_REMOTE.
* The properties of spark-submit and spark-defaults.conf are the session's, unless the program
  sets them itself.
* Reading what does not exist is an error (the engine would find no rows, and say nothing).
* `partitionBy("country")` finds a column Country, as elsewhere in Spark.
* Frames keep what the views and tables they name were when they were made (`frames`).
* What the engine would silently answer otherwise than Spark is put right (`results`).
* `spark.sql` takes `USE shop` and `DESCRIBE orders`, which the engine wants in longer forms, and
  `SET name=value`.
* Overwriting only the partitions that are written (`partitionOverwriteMode` dynamic) is refused:
  the engine would replace them all.
* `spark.sparkContext` answers what can be answered without RDDs; RDDs are refused by name. Where
  Glue's library is, there is a `SparkContext` to begin with (`libraries/client_context`).
"""

import functools
import importlib
import importlib.util
import json
import logging
import os
from types import ModuleType
from typing import Any

from millpond.engines.spark.runtime import frames, results
from millpond.engines.spark.runtime.files import is_missing
from millpond.engines.spark.runtime.statements import bare, for_engine, read_setting
from millpond.engines.spark.runtime.variables import CONF_VARIABLE

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
_LEVELS = {
    "ALL": logging.DEBUG,
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
    "OFF": logging.CRITICAL + 1,
}
_OF_THE_JVM = frozenset(
    {"SparkContext", "SparkFiles", "RDD", "RDDBarrier", "Broadcast", "SQLContext", "HiveContext"}
)
_OVERWRITE_MODE = "spark.sql.sources.partitionOverwriteMode"
_REASON = "this release runs Spark Connect programs on Sail, which has no SparkContext and no RDDs"


def change(module: ModuleType) -> None:
    """Change a module of PySpark that has just been imported."""
    if module.__name__ == "pyspark":
        _explain_missing(module)
        _offer_context()
    elif module.__name__ == "pyspark.sql.session":
        _change_builder(module.SparkSession.Builder)
    elif module.__name__ == "pyspark.sql.connect.session":
        module.SparkSession.sparkContext = property(DriverContext)
        _change_sql(module.SparkSession)
    elif module.__name__ == "pyspark.sql.connect.plan":
        frames.change_queries(module)
    elif module.__name__ == "pyspark.sql.connect.dataframe":
        frames.change_views(module.DataFrame)
        results.change_frame(module.DataFrame)
    elif module.__name__ == "pyspark.sql.connect.functions.builtin":
        results.change_functions(module)
    elif module.__name__ == "pyspark.sql.connect.column":
        results.change_column(module.Column)
    elif module.__name__ == "pyspark.sql.connect.catalog":
        frames.change_catalog(module.Catalog)
    elif module.__name__ == "pyspark.sql.connect.readwriter":
        _change_writer(module.DataFrameWriter)
        _change_reader(module.DataFrameReader)
        frames.change_tables(module.DataFrameReader)


def _offer_context() -> None:
    if importlib.util.find_spec("client_context") is not None:
        importlib.import_module("client_context").offer()


def _explain_missing(module: ModuleType) -> None:
    def missing(name: str) -> Any:
        if name in _OF_THE_JVM:
            raise ImportError(f"pyspark.{name} is not supported: {_REASON}.")
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__getattr__ = missing  # type: ignore[method-assign]


def _change_builder(builder: Any) -> None:
    begin, validate = builder.__init__, builder._validate_startup_urls

    def __init__(self: Any) -> None:
        begin(self)
        self._options.update(json.loads(os.environ.get(CONF_VARIABLE, "{}")))

    def _validate_startup_urls(self: Any) -> None:
        self._options.pop("spark.master", None)
        validate(self)

    builder.__init__ = __init__
    builder._validate_startup_urls = _validate_startup_urls


def _change_sql(session: Any) -> None:
    ask = session.sql

    def sql(self: Any, sqlQuery: str, *more: Any, **named: Any) -> Any:
        statement = bare(sqlQuery)
        setting = read_setting(statement)
        if setting is not None:
            name, value = setting
            if value is not None:
                self.conf.set(name, value)
            shown = (name, self.conf.get(name, "<undefined>"))
            return self.createDataFrame([shown], "key string, value string")
        statement = for_engine(statement)
        return frames.after(statement, ask(self, statement, *more, **named))

    session.sql = sql


def _change_writer(writer: Any) -> None:
    partition_by = writer.partitionBy

    def partitionBy(self: Any, *cols: Any) -> Any:
        asked = cols[0] if len(cols) == 1 and isinstance(cols[0], list | tuple) else cols
        from pyspark.sql.connect.dataframe import DataFrame  # noqa: PLC0415 - imports the writer

        columns = DataFrame(self._df, self._spark).columns
        spelled = {column.lower(): column for column in reversed(columns)}
        return partition_by(
            self, *(name if name in columns else spelled.get(name.lower(), name) for name in asked)
        )

    writer.partitionBy = partitionBy
    results.change_writer(writer)
    writer.save = _refusing_dynamic(writer.save)
    writer.saveAsTable = _refusing_dynamic(writer.saveAsTable)
    writer.insertInto = _refusing_dynamic(writer.insertInto)


def _refusing_dynamic(write: Any) -> Any:
    @functools.wraps(write)
    def checked(self: Any, *given: Any, **named: Any) -> Any:
        replaces = self._write.mode == "overwrite" or named.get("mode") == "overwrite"
        replaces = replaces or True in (*given, named.get("overwrite"))
        if replaces and _is_dynamic(self):
            from pyspark.errors import UnsupportedOperationException  # noqa: PLC0415

            raise UnsupportedOperationException(
                f"{_OVERWRITE_MODE}=dynamic is not supported: the engine replaces all partitions. "
                "Write each partition to its own path."
            )
        return write(self, *given, **named)

    return checked


def _is_dynamic(writer: Any) -> bool:
    options = {name.lower(): value for name, value in writer._write.options.items()}
    mode = options.get("partitionoverwritemode") or writer._spark.conf.get(_OVERWRITE_MODE, "")
    return str(mode).lower() == "dynamic"


def _change_reader(reader: Any) -> None:
    load = reader.load

    def checked(self: Any, path: Any = None, *more: Any, **options: Any) -> Any:
        from pyspark.errors import AnalysisException  # noqa: PLC0415 - once PySpark is there

        given = path if isinstance(path, list | tuple) else [path]
        for one in given if ENDPOINT_VARIABLE in os.environ else ():
            if isinstance(one, str) and is_missing(one):
                raise AnalysisException(f"[PATH_NOT_FOUND] Path does not exist: {one}.")
        return load(self, path, *more, **options)

    reader.load = checked
    results.change_reader(reader)


class DriverContext:
    """What `spark.sparkContext` is: facts of the session, and its log level."""

    def __init__(self, session: Any) -> None:
        self._session = session

    @property
    def version(self) -> str:
        return str(self._session.version)

    @property
    def appName(self) -> str:
        return str(self._session.conf.get("spark.app.name", ""))

    @property
    def applicationId(self) -> str:
        return str(self._session.session_id)

    @property
    def master(self) -> str:
        return "yarn"

    @property
    def defaultParallelism(self) -> int:
        return os.cpu_count() or 1

    def setLogLevel(self, logLevel: str) -> None:
        """The level of the driver's log, which here is PySpark's own logger."""
        level = logLevel.upper()
        if level not in _LEVELS:
            raise ValueError(f"{logLevel} is not one of {', '.join(_LEVELS)}.")
        logging.getLogger("pyspark").setLevel(_LEVELS[level])

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"sparkContext.{name} is not supported: {_REASON}.")
