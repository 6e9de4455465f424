"""Anomaly scores of rows, each scored against those before it and then learned.

The forest is AWS's own algorithm (krcf, the Rust library random-cut-forest). It is seeded with a
constant, so the same rows in the same order get the same scores. A row with a NULL, or with a
number that is no number or beyond a 32-bit float, is not learned; its score is NULL.

State: bucket 0 holds the forest as it was once, bucket 1 the points that came since, of which it is
made again after a restart; every `_POINTS_KEPT` points it is written anew.

Source: Amazon Kinesis Data Analytics SQL Reference, RANDOM_CUT_FOREST,
RANDOM_CUT_FOREST_WITH_EXPLANATION.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import krcf
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.plan import RandomCutForest
from millpond.engines.streams.types import schema_of

_FOREST: Final = 0
_POINTS: Final = 1
_POINTS_KEPT = 4_096
_SEED = 20_140_101
_LARGEST = float(np.finfo(np.float32).max)

Points = npt.NDArray[np.float64]


class RandomCutForestOperator:
    def __init__(self, node: RandomCutForest, tools: Tools) -> None:
        self._node = node
        self._state = tools.state
        self._schema = schema_of(node.columns)
        self._since = sum(chunk.num_rows for chunk in self._state.chunks(_POINTS))
        self._forest = self._restored()

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        (given,) = inputs
        count = given.rows.num_rows
        if not count:
            return Step(self._schema.empty_table(), given.watermark_ms)
        points = np.column_stack([_floats(given.rows.column(name)) for name in self._node.features])
        is_known = np.all(np.abs(points) <= _LARGEST, axis=1)
        scores = np.full(count, np.nan)
        explained: list[str | None] = [None] * count
        known = points[is_known]
        for place, point in zip(np.flatnonzero(is_known), known, strict=True):
            scores[place] = self._forest.score(point)
            if self._node.explains:
                explained[place] = self._explanation(point)
            self._forest.update(point)
        self._remember(known)
        columns: list[Any] = [
            *given.rows.columns, pa.array(scores, pa.float64(), mask=~is_known)
        ]  # fmt: skip
        if self._node.explains:
            columns.append(pa.array(explained, pa.string()))
        return Step(pa.table(columns, schema=self._schema), given.watermark_ms)

    def due_ms(self) -> int | None:
        return None

    def _restored(self) -> Any:
        node = self._node
        chunks = self._state.chunks(_FOREST)
        if chunks:
            forest = krcf.RandomCutForest.from_msgpack(chunks[0].column(0)[0].as_py())
        else:
            options: Any = {
                "dimensions": len(node.features),
                "shingle_size": node.shingle,
                "num_trees": node.trees,
                "sample_size": node.samples,
                "lambda": 1.0 / node.time_decay,
                "random_seed": _SEED,
                "parallel_execution_enabled": False,
            }
            forest = krcf.RandomCutForest(options)
        for chunk in self._state.chunks(_POINTS):
            for point in np.column_stack([_floats(column) for column in chunk.columns]):
                forest.update(point)
        return forest

    def _remember(self, points: Points) -> None:
        if not len(points):
            return
        self._since += len(points)
        if self._since >= _POINTS_KEPT:
            self._since = 0
            written = pa.array([bytes(self._forest.to_msgpack())], pa.large_binary())
            self._state.replace(_FOREST, [pa.table([written], names=["forest"])])
            self._state.drop(_POINTS)
            return
        columns = [pa.array(column) for column in points.T]
        names = [str(place) for place in range(len(columns))]
        self._state.add(_POINTS, pa.table(columns, names=names))

    def _explanation(self, point: Points) -> str:
        """What each column adds to the score, as JSON; texts, as AWS has them."""
        found = self._forest.attribution(point)
        width = len(self._node.features)
        high = np.reshape(found["high"], (-1, width)).sum(axis=0)
        low = np.reshape(found["low"], (-1, width)).sum(axis=0)
        told: dict[str, dict[str, str]] = {}
        for name, above, below in zip(self._node.features, high, low, strict=True):
            told[name] = {}
            if self._node.directed:
                told[name]["DIRECTION"] = "HIGH" if above > below else "LOW"
                told[name]["STRENGTH"] = f"{abs(above - below):.4f}"
            told[name]["ATTRIBUTION_SCORE"] = f"{above + below:.4f}"
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


def _floats(column: Any) -> Points:
    """A column of numbers; NULL is not a number."""
    floats = pc.fill_null(column.cast(pa.float64()), float("nan"))
    found: Points = (
        floats.to_numpy(zero_copy_only=False) if isinstance(floats, pa.Array) else floats.to_numpy()
    )
    return found
