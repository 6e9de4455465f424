"""The weights that FillMissingValues estimates with are those of numpy."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from millpond.engines import spark

SOURCE = Path(spark.__file__).parent / "libraries" / "awsglueml" / "regression.py"


@pytest.fixture(scope="module")
def least_squares():
    specification = importlib.util.spec_from_file_location("regression", SOURCE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.least_squares


def weights(least_squares, columns, target):
    columns = columns - columns.mean(axis=0)
    products = columns.T @ (target - target.mean())
    return least_squares((columns.T @ columns).tolist(), products.tolist())


def test_the_weights_are_those_of_least_squares(least_squares) -> None:
    random = np.random.default_rng(7)
    columns = random.normal(size=(400, 4)) * [1, 1000, 0.001, 5] + [3, 9, 2, -4]
    target = columns @ [2.0, -0.5, 300.0, 0.0] + 17 + random.normal(size=400)
    centred = columns - columns.mean(axis=0)
    expected = np.linalg.lstsq(centred, target - target.mean(), rcond=None)[0]
    assert weights(least_squares, columns, target) == pytest.approx(expected.tolist())


def test_a_column_that_others_make_up_or_that_is_constant_has_no_weight(least_squares) -> None:
    random = np.random.default_rng(8)
    columns = random.normal(size=(50, 4))
    columns[:, 1] = 5.0
    columns[:, 3] = columns[:, 0] + 2 * columns[:, 2]
    target = 3 * columns[:, 0] - columns[:, 2]
    assert weights(least_squares, columns, target) == pytest.approx([3.0, 0.0, -1.0, 0.0])
