"""Imported by every Python of a cluster as it starts (a `.pth` line): waits for PySpark.

A program may name a master of YARN, and executors of the machines that it was written for. What it
says when it makes its SparkContext is changed there: to the cluster's master, and to executors that
its nodes can hold.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

CHANGED = ("pyspark.context", "pyspark.core.context")
"""Where `SparkContext` is: of Spark 3.5, and of Spark 4."""


class _Finder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in CHANGED:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        context = module.SparkContext
        if context.__module__ == module.__name__:
            _change(context)


def _change(context: Any) -> None:
    from millpond.engines.spark.apache.programs.fitting import fit  # noqa: PLC0415 - only if needed

    initialize = context._initialize_context

    def initialize_here(self: Any, java_conf: Any) -> Any:
        given = {pair._1(): pair._2() for pair in java_conf.getAll()}
        fitted = fit(given)
        for name, value in fitted.items():
            if value != given.get(name):
                java_conf.set(name, value)
        for name in given.keys() - fitted.keys():
            java_conf.remove(name)
        return initialize(self, java_conf)

    context._initialize_context = initialize_here


if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
    sys.meta_path.insert(0, _Finder())
