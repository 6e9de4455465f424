"""Records of this test's own, and time that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from millpond.engines.records.embedded import EmbeddedRecords
from millpond.kernel.clock import ManualClock


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[EmbeddedRecords]:
    opened = EmbeddedRecords.open(tmp_path / "records")
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
