"""Records on LMDB, in this process."""

from millpond.engines.records.embedded.store import EmbeddedRecords

__all__ = ["EmbeddedRecords"]
