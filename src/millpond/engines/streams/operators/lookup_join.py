"""Lookup joins: each row with the rows of a reference table that have its keys now.

The table's rows are put in the order of their keys once, when it was read.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import Step, Tools
from millpond.engines.streams.operators.key_types import Keys, common_type
from millpond.engines.streams.operators.keyed_rows import Run, as_run, key_order
from millpond.engines.streams.operators.pairs import Pairing, pairs
from millpond.engines.streams.plan import LookupJoin

_SEED = 0
"""Fingerprints are not kept here, and the table is the user's own."""


class LookupJoinOperator:
    """See `plan.LookupJoin`."""

    def __init__(self, node: LookupJoin, tools: Tools) -> None:
        assert tools.lookup is not None
        self._node = node
        self._lookup = tools.lookup
        self._pairing = Pairing(
            node.input.names,
            node.table.columns,
            node.table_columns,
            node.columns,
            node.condition,
            tools.compute,
        )
        own = {column.name: column.type for column in node.input.columns}
        theirs = {column.name: column.type for column in node.table.columns}
        types = [
            common_type(own[one], theirs[other])
            for one, other in zip(node.keys, node.table_keys, strict=True)
        ]
        self._keys = Keys(node.keys, types, _SEED)
        self._table_keys = Keys(node.table_keys, types, _SEED)
        self._table: pa.Table | None = None
        self._run: Run | None = None

    def step(self, inputs: Sequence[Step], now_ms: int) -> Step:
        """See `operators.interface.Operator`."""
        rows, watermark_ms = inputs[0]
        if rows.num_rows == 0:
            return Step(self._pairing.empty, watermark_ms)
        keys, without = self._keys.of(rows)
        places = np.arange(rows.num_rows) if without is None else np.flatnonzero(~without)
        order = places[key_order(Fingerprints(keys.hashes[places], keys.checks[places]))]
        keys = Fingerprints(keys.hashes[order], keys.checks[order])
        has_partner = np.zeros(rows.num_rows, np.bool_)
        pieces, owners = [self._pairing.empty], [np.empty(0, np.int64)]
        run = self._as_run()
        for one, other in pairs(keys, run, None):
            joined, kept = self._pairing.joined(rows, order[one], run.rows, other)
            owner = order[one[kept]]
            has_partner[owner] = True
            pieces.append(joined)
            owners.append(owner)
        if self._node.kind == "left" and not has_partner.all():
            pieces.append(self._pairing.left_alone(rows.filter(pa.array(~has_partner))))
            owners.append(np.flatnonzero(~has_partner))
        in_turn = np.argsort(np.concatenate(owners), kind="stable")
        return Step(pa.concat_tables(pieces).combine_chunks().take(in_turn), watermark_ms)

    def due_ms(self) -> int | None:
        """None: time alone changes nothing."""
        return None

    def _as_run(self) -> Run:
        """The table by its keys."""
        table = self._lookup()
        if self._run is None or table is not self._table:
            keys, without = self._table_keys.of(table)
            places = np.arange(table.num_rows) if without is None else np.flatnonzero(~without)
            order = places[key_order(Fingerprints(keys.hashes[places], keys.checks[places]))]
            by_key = Fingerprints(keys.hashes[order], keys.checks[order])
            rows = as_run(table.take(order), by_key, np.zeros(len(order), np.int64))
            self._table, self._run = table, Run(rows, {})
        return self._run
