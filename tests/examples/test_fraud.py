"""The fraud example, whole but small, and what its parts promise."""

import os

import boto3
import numpy as np
import pytest

from examples.fraud import demo
from examples.fraud.features import GIVEN, NAMES, features, kilometres
from examples.fraud.generate import Transactions
from examples.fraud.model import PATTERNS
from examples.fraud.produce import TICK_MS


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The demo points this process's AWS clients at its own Millpond, but only while it runs."""
    before = dict(os.environ)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_the_demo_scores_alerts_and_archives_everything(tmp_path, capsys):
    plan = demo.Plan(rate=1_000, seconds=8, cards=20_000, history_seconds=120, history_rate=1_000)
    result = demo.run(plan, tmp_path / "demo")
    assert result.transactions >= 8_000
    assert result.counts["scores"] == result.counts["transactions"] == result.transactions
    assert result.judgement.frauds > 0
    assert result.judgement.recall > 0.6
    assert result.judgement.precision > 0.6
    assert {file.name for file in result.files} == {"fraud.svg", "fraud.png"}
    assert all(file.stat().st_size > 5_000 for file in result.files)
    told = capsys.readouterr().out
    assert "transactions, scores and alerts agree" in told
    assert f"{result.transactions:,} transactions, each scored once and archived" in told


def test_the_same_seed_makes_the_same_transactions():
    def made(seed):
        transactions = Transactions(seed, 1_000_000, cards=500)
        batches = [transactions.take(100, TICK_MS) for _ in range(50)]
        return [record for batch in batches for record in batch.records()]

    assert made(3) == made(3)
    assert made(3) != made(4)


def test_frauds_of_every_kind_are_planted_and_times_never_fall():
    transactions = Transactions(5, 1_000_000, cards=2_000)
    batches = [transactions.take(1_000, 1_000) for _ in range(120)]
    labels = {pattern for batch in batches for _, pattern in batch.labels()}
    assert labels == set(PATTERNS)
    times = np.concatenate([batch.time_ms for batch in batches])
    assert (np.diff(times) >= 0).all()
    numbers = np.concatenate([batch.number for batch in batches])
    assert (np.diff(numbers) == 1).all()


def test_features_of_a_first_transaction_have_no_last_place():
    nothing = [None]
    given = {name: [1.0] for name in GIVEN} | {
        "category": ["online"],
        "last_latitude": nothing,
        "last_longitude": nothing,
        "seconds_since_last": nothing,
        "usual_amount": nothing,
        "amount": [50.0],
    }
    (row,) = features(**given)
    found = dict(zip(NAMES, row.tolist(), strict=True))
    assert found["amount_to_usual"] == 2.0
    assert found["km_per_hour"] == 0.0
    assert found["seconds_since_last"] == 86_400.0
    assert (found["is_online"], found["is_easily_sold"]) == (1.0, 0.0)


def test_distances_are_those_of_the_globe():
    assert kilometres(52.52, 13.40, 48.86, 2.35) == pytest.approx(877, abs=5)
    assert kilometres(0, 0, 0, 180) == pytest.approx(20_015, abs=10)
