"""A lambda as an argument: it is compiled when the types of its parameters are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import Type


@dataclass(frozen=True, slots=True)
class Lambda:
    """`compile` takes a value for each parameter and gives the body over them."""

    parameters: tuple[Type, ...]
    compile: Callable[[Sequence[Typed]], Typed]
    fresh: Callable[[], str]

    def body(self, *values: str) -> Typed:
        """The body with these DuckDB expressions for its parameters."""
        return self.compile(
            [Typed(sql, kind) for sql, kind in zip(values, self.parameters, strict=True)]
        )

    @property
    def sql(self) -> str:
        """The lambda as DuckDB writes it."""
        names = [self.fresh() for _ in self.parameters]
        return f"lambda {', '.join(names)}: {self.body(*names).sql}"

    @property
    def type(self) -> Type:
        """The type of its body."""
        return self.body(*("NULL" for _ in self.parameters)).type
