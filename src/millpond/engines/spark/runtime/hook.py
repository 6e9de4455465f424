"""Imported by every Python of a cluster as it starts (a `.pth` line): waits for PySpark.

Importing PySpark here would slow down each `python3` of a step; so its modules are changed, as
`compat` says, when the program itself imports them.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

CHANGED = (
    "pyspark",
    "pyspark.sql.session",
    "pyspark.sql.connect.session",
    "pyspark.sql.connect.plan",
    "pyspark.sql.connect.column",
    "pyspark.sql.connect.functions.builtin",
    "pyspark.sql.connect.dataframe",
    "pyspark.sql.connect.catalog",
    "pyspark.sql.connect.readwriter",
)


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
        from millpond.engines.spark.runtime import compat  # noqa: PLC0415 - only if it is needed

        compat.change(module)


if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
    sys.meta_path.insert(0, _Finder())
