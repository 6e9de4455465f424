"""Questions to databases, asked in a process of their own."""

import types

import pytest

from millpond.kernel.ids import SystemIds
from millpond.services.glue.connections import asking
from millpond.services.glue.connections.asking import NoAnswer, ask


@pytest.fixture
def needs(tmp_path):
    return types.SimpleNamespace(folder=tmp_path / "glue", ids=SystemIds(), marker="test")


async def test_an_answer_that_is_too_long_is_none(needs, monkeypatch):
    monkeypatch.setattr(asking, "ANSWER_BYTES_MAX", 100)
    with pytest.raises(NoAnswer, match="longer than"):
        await ask(needs, "this", {})


async def test_what_is_no_answer_is_said_to_be_none(needs):
    with pytest.raises(NoAnswer, match="ended with"):
        await ask(needs, "this", {})
    assert list((needs.folder / "trials").iterdir()) == []
