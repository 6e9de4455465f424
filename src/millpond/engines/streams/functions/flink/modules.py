"""`pyflink` for a program's files, without Flink: so much of it as its functions need.

What it has not is refused when a file imports it, by its name.
"""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from millpond.engines.streams.functions.flink import row, types, udf

VERSION = "2.1.0"
"""The version of the API that this stands in for."""
_TYPES = {"DataType": types.DataType, "DataTypes": types.DataTypes, "RowField": types.RowField}
_UDF = {
    "FunctionContext": udf.FunctionContext,
    "ScalarFunction": udf.ScalarFunction,
    "UserDefinedFunction": udf.UserDefinedFunction,
    "udf": udf.udf,
}
_MODULES: Mapping[str, Mapping[str, Any]] = {
    "pyflink": {"__version__": VERSION},
    "pyflink.version": {"__version__": VERSION},
    "pyflink.common": {"Row": row.Row},
    "pyflink.common.types": {"Row": row.Row},
    "pyflink.table": {
        "DataTypes": types.DataTypes,
        "FunctionContext": udf.FunctionContext,
        "Row": row.Row,
        "ScalarFunction": udf.ScalarFunction,
    },
    "pyflink.table.types": {**_TYPES, "Row": row.Row},
    "pyflink.table.udf": _UDF,
}


def install() -> None:
    """Let `import pyflink.table` and its like find this from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "pyflink":
            return None
        if fullname not in _MODULES:
            raise ImportError(_missing(fullname), name=fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__

        def missing(attribute: str) -> Any:
            if attribute.startswith("__") or f"{name}.{attribute}" in _MODULES:
                raise AttributeError(attribute)
            raise ImportError(_missing(f"{name}.{attribute}"), name=f"{name}.{attribute}")

        vars(module).update(_MODULES[name])
        module.__all__ = [one for one in _MODULES[name] if not one.startswith("_")]  # type: ignore[attr-defined]
        module.__getattr__ = missing  # type: ignore[method-assign]


def _missing(name: str) -> str:
    return (
        f"{name} needs the Flink engine: here pyflink has what scalar functions need alone "
        "(DataTypes, Row, udf, ScalarFunction, FunctionContext)."
    )
