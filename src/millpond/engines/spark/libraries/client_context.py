"""`pyspark.context`, for a PySpark that is a client of Spark Connect: Glue's scripts begin with it.

    from pyspark.context import SparkContext
    glue_context = GlueContext(SparkContext.getOrCreate())

It stands for the one session of the process, and has of a SparkContext what the session can tell;
RDDs it refuses by name. Where PySpark has the module itself, nothing is changed. Standard library
and PySpark only, like all that lies here: it is imported in the process of a job.
"""

import importlib.util
import sys
import types
from typing import Any


def offer() -> None:
    """Have `pyspark.context` importable."""
    if importlib.util.find_spec("pyspark") is None:
        return
    if "pyspark.context" in sys.modules or importlib.util.find_spec("pyspark.context"):
        return
    import pyspark  # noqa: PLC0415

    module = types.ModuleType("pyspark.context", __doc__)
    module.SparkContext = SparkContext  # type: ignore[attr-defined]
    sys.modules["pyspark.context"] = module
    pyspark.context = module
    pyspark.SparkContext = SparkContext


class SparkContext:
    """The session, as a context. `conf` holds properties for it."""

    def __init__(self, master: Any = None, appName: Any = None, *more: Any, **named: Any) -> None:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - slow

        builder = SparkSession.builder
        if appName is not None:
            builder = builder.appName(appName)
        conf = named.get("conf")
        for name, value in conf.getAll() if conf is not None else ():
            if name != "spark.master":
                builder = builder.config(name, value)
        self._session = builder.getOrCreate()

    @classmethod
    def getOrCreate(cls, conf: Any = None) -> "SparkContext":
        return cls(conf=conf)

    def stop(self) -> None:
        """Nothing: the session ends with the process."""

    def getConf(self) -> Any:
        from pyspark.conf import SparkConf  # noqa: PLC0415

        conf = SparkConf(loadDefaults=False)
        for name, value in self._session.conf.getAll.items():
            conf.set(name, value)
        return conf

    def __enter__(self) -> "SparkContext":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._session.sparkContext, name)
