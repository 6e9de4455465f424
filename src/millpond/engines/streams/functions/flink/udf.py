"""`pyflink.table.udf`: how a function says that it is one.

Source: Apache Flink 2.x, Python API, `pyflink.table.udf`.
"""

import abc
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millpond.engines.streams.functions.flink.types import DataType

FUNC_TYPES = ("general", "pandas", "arrow")
"""The last is this engine's: arguments and result are `pyarrow.Array`s."""


class FunctionContext:
    """What `open` is given."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters

    def get_job_parameter(self, key: str, default_value: str | None) -> str | None:
        """A value of the setting `pipeline.global-job-parameters`."""
        return self._parameters.get(key, default_value)

    def get_metric_group(self) -> Any:
        raise RuntimeError(
            "Metric has not been enabled. You can enable metric with the 'python.metric.enabled' "
            "configuration."
        )


class UserDefinedFunction(abc.ABC):  # noqa: B024 - as it is in PyFlink
    """A function with a beginning and an end."""

    def open(self, function_context: FunctionContext) -> None:
        """Called once, before the first row."""
        return

    def close(self) -> None:
        """Called once, after the last row, unless the run is killed."""
        return

    def is_deterministic(self) -> bool:
        """Whether equal arguments always give equal results."""
        return True


class ScalarFunction(UserDefinedFunction):
    """A function whose `eval` gives one value for the values of a row."""

    @abc.abstractmethod
    def eval(self, *args: Any) -> Any: ...


ResultType = DataType | str
InputTypes = Sequence[ResultType] | ResultType | None


class UserDefinedScalarFunctionWrapper:
    """A function and what `udf` was told of it."""

    def __init__(
        self,
        func: Any,
        input_types: InputTypes,
        result_type: ResultType,
        func_type: str,
        deterministic: bool | None,
        name: str | None,
    ) -> None:
        if inspect.isclass(func) or not (isinstance(func, UserDefinedFunction) or callable(func)):
            raise TypeError(
                "Invalid function: not a function or callable (__call__ is not defined): "
                f"{type(func)}"
            )
        if not isinstance(result_type, DataType | str):
            raise TypeError(
                f"Invalid returnType: returnType should be DataType or str but is {result_type}"
            )
        own = func.is_deterministic() if isinstance(func, UserDefinedFunction) else None
        if None not in (own, deterministic) and own != deterministic:
            raise ValueError(
                f"Inconsistent deterministic: {deterministic} and {own} from {type(func)}"
            )
        self.func = func
        self.input_types = input_types
        self.result_type = result_type
        self.func_type = func_type
        self.deterministic = next((said for said in (deterministic, own) if said is not None), True)
        self.name = name or getattr(func, "__name__", type(func).__name__)

    def __call__(self, *args: Any) -> Any:
        raise NotImplementedError(
            f"{self.name} is called from SQL alone: the Table API needs the Flink engine."
        )


def udf(
    f: Callable[..., Any] | ScalarFunction | type | None = None,
    input_types: InputTypes = None,
    result_type: ResultType | None = None,
    deterministic: bool | None = None,
    name: str | None = None,
    func_type: str = "general",
    udf_type: str | None = None,
) -> Any:
    """A scalar function of a Python function, as a decorator or called with it."""
    kind = udf_type or func_type
    if kind not in FUNC_TYPES:
        raise ValueError(f"The func_type must be one of 'general, pandas', got {kind}.")
    make = functools.partial(
        UserDefinedScalarFunctionWrapper,
        input_types=input_types,
        result_type=result_type,  # type: ignore[arg-type]
        func_type=kind,
        deterministic=deterministic,
        name=name,
    )
    return make if f is None else make(f)
