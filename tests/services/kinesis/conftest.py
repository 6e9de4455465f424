"""Streams of a test's own on the server of the run."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config

_numbers = itertools.count()


@pytest.fixture(scope="session")
def kinesis(server: Any) -> Any:
    """A client of the run's server, which also sends what it knows to be wrong."""
    return server.client("kinesis", config=Config(parameter_validation=False))


@pytest.fixture
def stream_name() -> str:
    """A name that no other test of the run uses."""
    return f"stream-{next(_numbers)}"


@pytest.fixture
def make_stream(kinesis: Any) -> Iterator[Callable[..., str]]:
    """Makes streams (`make_stream(shard_count, **members)` answers the name) and deletes them."""
    made: list[str] = []

    def make(shard_count: int | None = 1, **members: Any) -> str:
        name = f"made-{next(_numbers)}"
        if shard_count is not None:
            members["ShardCount"] = shard_count
        kinesis.create_stream(StreamName=name, **members)
        made.append(name)
        return name

    yield make
    for name in made:
        try:
            kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
        except kinesis.exceptions.ResourceNotFoundException:
            continue
