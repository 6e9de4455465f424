"""Fingerprints: equal for equal keys, wherever they lie, and for no others."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from millpond.engines.streams.operators.fingerprints import fingerprints

COLUMNS = {
    "int": pa.array([None, 0, 1, -1, 1 << 30], pa.int32()),
    "double": pa.array([None, 0.0, 1.5, -1.5, float("inf")]),
    "text": pa.array([None, "", "a", "ab", "ba" * 3000]),
    "bytes": pa.array([None, b"", b"\0", b"\0\0", b"\1"]),
    "bool": pa.array([None, True, False]),
    "decimal": pa.array([None, Decimal("1.5"), Decimal("-1.5"), Decimal(10) ** 29]),
    "time": pa.array([None, datetime.datetime(2026, 1, 1), datetime.datetime(1, 1, 1)]),
    "row": pa.array([None, {"a": 1, "b": "x"}, {"a": 1, "b": None}, {"a": None, "b": "x"}]),
    "list": pa.array([None, [], [1], [1, 2], [None]]),
}


def both(columns, count, seed=1):
    keys = fingerprints(columns, count, seed)
    return list(zip(keys.hashes.tolist(), keys.checks.tolist(), strict=True))


@pytest.mark.parametrize("name", COLUMNS)
def test_values_are_told_apart_and_are_the_same_in_a_slice_or_another_array(name):
    column = COLUMNS[name]
    found = both([column], len(column))
    assert len(set(found)) == len(column)
    assert len({first for first, _ in found}) == len({second for _, second in found})
    again = pa.concat_arrays([column, column]).slice(len(column) - 1)
    assert both([again], len(again)) == [found[-1], *found]
    backwards = column.take(np.arange(len(column))[::-1])
    assert both([backwards], len(column)) == found[::-1]
    assert not set(both([column], len(column), seed=2)) & set(found)


def test_the_columns_of_a_key_do_not_run_together():
    left = pa.array(["ab", "a", "", "abc", None, ""])
    right = pa.array(["c", "bc", "abc", "", "", None])
    assert len(set(both([left, right], 6))) == 6
    assert both([left, right], 6) != both([right, left], 6)


def test_zeros_of_either_sign_are_equal_and_so_is_what_is_no_number():
    zeros = both([pa.array([0.0, -0.0])], 2)
    nans = np.array([0x7FF8000000000000, 0xFFF8000000000001], np.uint64).view(np.float64)
    assert zeros[0] == zeros[1]
    assert len(set(both([pa.array(nans)], 2))) == 1


def test_without_columns_all_rows_have_one_key():
    assert len(set(both([], 5))) == 1


def test_state_keeps_fingerprints_so_they_stay_as_they_are():
    keys = fingerprints([pa.array([7, None]), pa.array(["seven", "é"])], 2, 12345)
    assert keys.hashes.tolist() == [9516638207350126975, 12392103423621904170]
