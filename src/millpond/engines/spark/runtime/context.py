"""The stand-in for `pyspark.context`, which a PySpark that is a client only does not have.

Scripts for Glue begin with `SparkContext()`, and pass it on to `GlueContext`. Here it starts the
session, answers what can be answered without RDDs, and refuses the rest by its name.
"""

import sys
from types import ModuleType
from typing import Any

MODULE = "pyspark.context"


class SparkContext:
    """Facts of the session, which it starts. Its arguments are of no consequence: the cluster is
    there already."""

    def __init__(self, *args: Any, conf: Any = None, **kwargs: Any) -> None:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - it is being imported before

        builder = SparkSession.builder
        for name, value in conf.getAll() if conf is not None else ():
            if name not in ("spark.master", "spark.remote"):
                builder = builder.config(name, value)
        self._session = builder.getOrCreate()

    @classmethod
    def getOrCreate(cls, conf: Any = None) -> "SparkContext":
        return cls(conf=conf)

    def stop(self) -> None:
        """The session goes on until the script ends."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._session.sparkContext, name)


def stand_in(pyspark: ModuleType) -> None:
    """Let scripts import `pyspark.context`."""
    module = ModuleType(MODULE, __doc__)
    module.SparkContext = SparkContext  # type: ignore[attr-defined]
    sys.modules[MODULE] = module
    pyspark.context = module  # type: ignore[attr-defined]
    pyspark.SparkContext = SparkContext  # type: ignore[attr-defined]
