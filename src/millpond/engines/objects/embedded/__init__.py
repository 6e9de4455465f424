"""Objects as files, in this process."""

from millpond.engines.objects.embedded.store import EmbeddedObjects

__all__ = ["EmbeddedObjects"]
