"""ApplyMapping: which fields there are, how they are called, and of what types.

Source: "ApplyMapping class" (AWS Glue developer guide). A source that no record has is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from .casts import cast
from .columns import assemble, nest
from .columns import at_path as values_at
from .conversions import read_type
from .gluetypes import DataType, StructType, UnknownType
from .paths import Path, find_path, read_path, type_at
from .plan import Errors, Step

Mapping = tuple[str, str, str, str]


def read_mapping(given: Any) -> Mapping:
    """A mapping as source, its type, target and its type; a shorter one leaves types, or the
    target's name, as they are.

    Raises:
        TypeError: it is no tuple.
        ValueError: it is none of two, three or four texts.
    """
    if not isinstance(given, (tuple, list)):
        raise TypeError(f"Mapping must be specified as a tuple. Got {given}")
    if len(given) == 2:
        return given[0], "", given[1], ""
    if len(given) == 3:
        return given[0], "", given[1], given[2]
    if len(given) == 4:
        return given[0], given[1], given[2], given[3]
    raise ValueError(f"Mapping tuple must be of length 2, 3, or 4. Got one of {len(given)}")


def apply(
    schema: StructType, mappings: Sequence[Any], case_sensitive: bool
) -> tuple[StructType, Step]:
    """The schema after the mappings, and the step that makes it."""
    chosen: list[tuple[Path, DataType, Path, DataType]] = []
    for source, _, target, named in map(read_mapping, mappings):
        path = find_path(schema, source, case_sensitive)
        if path is None:
            continue
        have = type_at(schema, path)
        want = read_type(named) if named else have
        want = have if isinstance(want, UnknownType) else want
        chosen.append((path, have, read_path(target), want))
    made = nest([(target, want) for _, _, target, want in chosen])

    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        arrays = {
            target: cast(values_at(batch, schema, path), have, want)
            for path, have, target, want in chosen
        }
        return assemble(arrays, made, batch.num_rows)

    return made, step
