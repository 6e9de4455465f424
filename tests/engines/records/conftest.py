"""Embedded records in a folder of the test's own."""

import contextlib
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from millpond.engines.records.embedded import EmbeddedRecords


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "records"


@pytest.fixture
async def records(folder: Path) -> AsyncIterator[EmbeddedRecords]:
    opened = EmbeddedRecords.open(folder)
    yield opened
    await opened.close()


@pytest.fixture
def small_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Within the block no file of this process may become larger than so many bytes: writes
    beyond are cut short and then refused, as on a full disk."""

    @contextlib.contextmanager
    def limit(size_bytes: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit
