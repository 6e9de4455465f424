"""`pyflink.common.Row`: a value of a ROW type.

Source: Apache Flink 2.x, Python API, `pyflink.common.types.Row`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any


class Row:
    """Values by position, and by name where they have names: `Row("a", 1)`, `Row(name="a")`,
    `Row("name", "n")("a", 1)`."""

    __slots__ = ("_fields", "_values")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("Can not use both args and kwargs to create Row")
        self._fields: Sequence[str] = tuple(kwargs)
        self._values: list[Any] = list(kwargs.values()) if kwargs else list(args)

    def set_field_names(self, field_names: Sequence[str]) -> None:
        self._fields = tuple(field_names)

    def get_fields_by_names(self, names: Sequence[str]) -> list[Any]:
        return [self[name] for name in names]

    def as_dict(self, recursive: bool = False) -> dict[str, Any]:
        """The values by name; rows inside too when `recursive`."""
        if not self._fields:
            raise TypeError("Cannot convert a Row without field names into dict")
        values = [_plain(value) if recursive else value for value in self._values]
        return dict(zip(self._fields, values, strict=True))

    def __call__(self, *args: Any) -> "Row":
        """A row of these values whose names are this one's values."""
        if len(args) > len(self._values):
            raise ValueError(
                f"Can not create Row with fields {self._values}, expected {len(self._values)} "
                f"values but got {args}"
            )
        row = Row(*args)
        row.set_field_names(self._values)
        return row

    def __contains__(self, item: object) -> bool:
        return item in self._values

    def __getitem__(self, item: Any) -> Any:
        return self._values[self._fields.index(item) if isinstance(item, str) else item]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._values[self._fields.index(key) if isinstance(key, str) else key] = value

    def __getattr__(self, item: str) -> Any:
        if item.startswith("_") or item not in self._fields:
            raise AttributeError(item)
        return self[item]

    def __setattr__(self, key: str, value: Any) -> None:
        if key in Row.__slots__:
            object.__setattr__(self, key, value)
        elif key in self._fields:
            self[key] = value
        else:
            raise AttributeError(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and other._values == self._values

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        if self._fields:
            pairs = zip(self._fields, self._values, strict=False)
            return f"Row({', '.join(f'{name}={value!r}' for name, value in pairs)})"
        return f"Row({', '.join(map(repr, self._values))})"


def named_row(names: Sequence[str], values: Iterable[Any]) -> Row:
    """A row of values by these names."""
    row = Row(*values)
    row.set_field_names(names)
    return row


def _plain(value: Any) -> Any:
    if isinstance(value, Row):
        return value.as_dict(True)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value
