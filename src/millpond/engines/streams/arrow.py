"""Arrow as connectors and formats use it: pyarrow's stubs know only part of what it takes."""

from typing import Any, TypeAlias

import pyarrow.compute

Array: TypeAlias = Any
"""A `pyarrow.Array` of whatever type."""
pc: Any = pyarrow.compute
