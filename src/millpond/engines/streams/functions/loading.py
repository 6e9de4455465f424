"""A program's Python functions: found in its folder, and made ready to be called.

`CREATE FUNCTION f AS 'module.attribute' LANGUAGE PYTHON` names what PyFlink's `udf` made (which
alone Flink itself takes), a `ScalarFunction` (a class, or an object of one), or a plain function
whose type hint tells its result. `func_type` `general` is called for each row, `pandas` with
`pandas.Series`, `arrow` with `pyarrow.Array`s.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from millpond.engines.streams.functions.faults import FunctionFault, own_traceback
from millpond.engines.streams.functions.flink import modules
from millpond.engines.streams.functions.flink.types import DataType as DeclaredType
from millpond.engines.streams.functions.flink.udf import (
    FunctionContext,
    ScalarFunction,
    UserDefinedScalarFunctionWrapper,
)
from millpond.engines.streams.functions.hints import result_of
from millpond.engines.streams.functions.interface import Function
from millpond.engines.streams.functions.values import arrow_values, python_values
from millpond.engines.streams.plan import PythonFunction
from millpond.engines.streams.types import DataType

Call = Callable[[Sequence["pa.Array[Any]"], int], "pa.Array[Any]"]
_PARAMETERS_SETTING = "pipeline.global-job-parameters"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a program's file says of a function. `is_deterministic` where it says so itself."""

    function: Callable[..., Any] | ScalarFunction
    result: DataType
    kind: str
    is_deterministic: bool


def add_folders(*folders: Path) -> None:
    """Let modules be found in a program's folder and in that of its requirements, the first first;
    after the standard library and before what Millpond itself has installed."""
    modules.install()
    place = next((at for at, path in enumerate(sys.path) if "site-packages" in path), len(sys.path))
    sys.path[place:place] = [str(folder) for folder in folders if str(folder) not in sys.path]


def declared(function: PythonFunction) -> Declared:
    """Import what a function names, and read what it says of itself.

    Raises:
        FunctionFault: there is no such function, it cannot be imported, or its result type is not
            known.
    """
    where = f"{function.module}.{function.attribute}"
    found = _found(function, where)
    if isinstance(found, UserDefinedScalarFunctionWrapper):
        result = _type_of(found.result_type, where)
        return Declared(found.func, result, found.func_type, found.deterministic)
    if inspect.isclass(found) and issubclass(found, ScalarFunction):
        found = _guarded(where, found)
    if isinstance(found, ScalarFunction):
        result = _known(function.result or result_of(found.eval), where)
        return Declared(found, result, "general", found.is_deterministic())
    if inspect.isclass(found) or not callable(found):
        raise FunctionFault(f"{where} is no function: {type(found).__name__}.")
    return Declared(found, _known(function.result or result_of(found), where), "general", False)


def function_type(function: PythonFunction) -> DataType:
    """The type of a function's result.

    Raises:
        FunctionFault: see `declared`.
    """
    return declared(function).result


def load(functions: Iterable[PythonFunction], settings: Mapping[str, str]) -> Functions:
    """Import and open a program's functions.

    Raises:
        FunctionFault: one cannot be imported or opened.
    """
    context = FunctionContext(_parameters(settings.get(_PARAMETERS_SETTING, "")))
    loaded = Functions()
    try:
        for function in functions:
            loaded.open(function, context)
    except BaseException:
        loaded.close()
        raise
    return loaded


class Functions(list[Function]):
    """Functions that are open, until `close`."""

    def __init__(self) -> None:
        super().__init__()
        self._opened: dict[int, ScalarFunction] = {}

    def open(self, function: PythonFunction, context: FunctionContext) -> None:
        where = f"{function.module}.{function.attribute}"
        said = declared(function)
        call = _MAKERS[said.kind](self._opened_once(said.function, context, where), said.result)
        self.append(Function(function.name, said.result, call, said.is_deterministic, where))

    def _opened_once(
        self, function: Callable[..., Any] | ScalarFunction, context: FunctionContext, where: str
    ) -> Callable[..., Any]:
        if not isinstance(function, ScalarFunction):
            return function
        if id(function) not in self._opened:
            _guarded(where, lambda: function.open(context))
            self._opened[id(function)] = function
        return function.eval

    def close(self) -> None:
        """Call each `close`; what one raises is printed and keeps no other open."""
        while self._opened:
            _, function = self._opened.popitem()
            try:
                function.close()
            except Exception:
                traceback.print_exc()


def _found(function: PythonFunction, where: str) -> Any:
    found = _guarded(where, lambda: importlib.import_module(function.module))
    for part in function.attribute.split("."):
        if not hasattr(found, part):
            raise FunctionFault(f"The module {function.module} has no {function.attribute}.")
        found = getattr(found, part)
    return found


def _guarded(where: str, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except (MemoryError, FunctionFault):
        raise
    except (Exception, SystemExit) as error:
        raise FunctionFault(f"{where} cannot be loaded: {own_traceback(error)}") from error


def _type_of(said: DeclaredType | str, where: str) -> DataType:
    if isinstance(said, DeclaredType):
        return said.declared
    # The parser takes a fifth of a second, which a file that says its types in Python keeps.
    from millpond.engines.streams.interface import Refused  # noqa: PLC0415
    from millpond.engines.streams.sql.dialect import tokens_of  # noqa: PLC0415
    from millpond.engines.streams.sql.typed import Position  # noqa: PLC0415
    from millpond.engines.streams.sql.types import read_type  # noqa: PLC0415

    try:
        tokens = tokens_of(said, Position(1, 1))
        result, end = read_type(tokens)
    except Refused as error:
        raise FunctionFault(f"The result type {said!r} of {where}: {error.text}") from error
    if end != len(tokens):
        raise FunctionFault(f"{said!r} is no type: the result type of {where}.")
    return result


def _known(result: DataType | None, where: str) -> DataType:
    if result is None:
        raise FunctionFault(
            f"The result type of {where} is not known: give it by "
            "@udf(result_type=DataTypes…), or by a type hint of Python's plain types."
        )
    return result


def _parameters(text: str) -> dict[str, str]:
    """Flink's form of a map: `key:value,key:value`."""
    pairs = (pair.partition(":") for pair in text.split(",") if pair)
    return {key.strip(): value.strip().strip("'\"") for key, _, value in pairs}


def _general(function: Callable[..., Any], result: DataType) -> Call:
    def call(arguments: Sequence[pa.Array[Any]], rows: int) -> pa.Array[Any]:
        if not arguments:
            return arrow_values([function() for _ in range(rows)], result)
        return arrow_values(list(map(function, *map(python_values, arguments))), result)

    return call


def _pandas(function: Callable[..., Any], result: DataType) -> Call:
    import pandas as pd  # noqa: PLC0415 - takes half a second, for functions that ask for it alone

    kind = result.arrow()

    def call(arguments: Sequence[pa.Array[Any]], rows: int) -> pa.Array[Any]:
        given = function(*(_series(one) for one in arguments))
        if isinstance(given, pd.DataFrame):
            given = pd.Series(given.to_dict("records"), dtype=object)
        if not isinstance(given, pd.Series):
            raise TypeError(f"The function gave {type(given).__name__}, not a pandas.Series.")
        return _measured(pa.Array.from_pandas(given, type=kind), rows)

    return call


def _series(column: pa.Array[Any]) -> Any:
    """A ROW is a DataFrame of its fields, as PyFlink has it."""
    if isinstance(column, pa.StructArray):
        return pa.RecordBatch.from_struct_array(column).to_pandas()
    return column.to_pandas()


def _arrow(function: Callable[..., Any], result: DataType) -> Call:
    kind = result.arrow()

    def call(arguments: Sequence[pa.Array[Any]], rows: int) -> pa.Array[Any]:
        given = function(*arguments)
        if isinstance(given, pa.ChunkedArray):
            given = given.combine_chunks()
        if not isinstance(given, pa.Array):
            raise TypeError(f"The function gave {type(given).__name__}, not a pyarrow.Array.")
        return _measured(given if given.type == kind else given.cast(kind), rows)

    return call


def _measured(column: pa.Array[Any], rows: int) -> pa.Array[Any]:
    if len(column) != rows:
        raise ValueError(f"The function gave {len(column)} values for {rows} rows.")
    return column


_MAKERS: Mapping[str, Callable[[Callable[..., Any], DataType], Call]] = {
    "general": _general,
    "pandas": _pandas,
    "arrow": _arrow,
}
