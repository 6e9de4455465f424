"""Union: the rows of all inputs; its watermark is the lowest of theirs."""

from collections.abc import Sequence

import pyarrow as pa

from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.rows import conformed
from millpond.engines.streams.plan import Union
from millpond.engines.streams.types import schema_of


class UnionOperator:
    def __init__(self, node: Union, tools: Tools) -> None:
        self._schema = schema_of(node.columns)

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        rows = [conformed(given.rows, self._schema) for given in inputs if given.rows.num_rows]
        return Step(
            pa.concat_tables(rows) if rows else self._schema.empty_table(),
            min(given.watermark_ms for given in inputs),
        )

    def due_ms(self) -> int | None:
        return None
