"""Spigot: sample records of a frame, written as JSON.

Source: "Spigot class" (AWS Glue developer guide).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from .plan import Errors, Rows
from .refusals import refuse_others
from .writing.parts import write_parts

_TOP_K = 100


def write_sample(rows: Rows, path: str, options: Mapping[str, Any]) -> None:
    """Write the first `topk` records, or about the share `prob` of all of them."""
    refuse_others("spigot", options, ("topk", "prob"))
    if "prob" in options and "topk" not in options:
        share = float(options["prob"])

        def sample(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
            chosen = [random.random() < share for _ in range(batch.num_rows)]  # noqa: S311
            return batch.filter(pa.array(chosen, pa.bool_()))

        some = rows.then(sample, rows.schema)
    else:
        frame = rows.data_frame().limit(int(options.get("topk", _TOP_K)))
        some = replace(Rows.of(frame, rows.session), schema=rows.schema, base_schema=rows.schema)
    write_parts(some, path, "json", {}, ())
