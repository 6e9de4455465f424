"""Queries, saved queries and packs of events as they are kept. Times are epoch milliseconds unless
they say otherwise."""

import msgspec

from millpond.services.logs.shapes import QueryParameter

DAY_MS = 24 * 3600 * 1000
RESULTS_KEPT_MS = 7 * DAY_MS
QUERIES_AT_ONCE_MAX = 30
TIMEOUT_SECONDS = 3600.0
GROUPS_MAX = 50
ROWS_DEFAULT = 10_000
PAGE_ROWS_MAX = 10_000
DEFINITIONS_MAX = 1000
RUNNING = ("Scheduled", "Running")


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A query; `start_s` and `end_s` are epoch seconds, both included."""

    id: str
    text: str
    groups: list[str]
    start_s: int
    end_s: int
    limit: int
    created_ms: int
    user: str
    status: str = "Scheduled"
    cancel_asked: bool = False
    results: str = ""
    """The file of its rows, where it has any."""
    rows: int = 0
    matched: int = 0
    scanned: int = 0
    scanned_bytes: int = 0
    ended_ms: int = 0


class Definition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A query that was saved under a name."""

    id: str
    name: str
    text: str
    modified_ms: int
    groups: list[str] = []
    parameters: list[QueryParameter] = []
    token: str = ""
    """The client's token of the request that saved it first."""


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A batch of events that is in no pack yet."""

    stream_id: str
    stream: str
    first_ms: int
    last_ms: int
    position: int
    count: int
    size_bytes: int


class Pack(msgspec.Struct, frozen=True, array_like=True):
    """A file of events of one group; `streams` are the ids of the streams that they are of."""

    id: str
    first_ms: int
    last_ms: int
    rows: int
    size_bytes: int
    """What its events count for."""
    file_size_bytes: int
    streams: list[str]
