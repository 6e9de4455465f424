"""Bounds on what comes from outside."""

HEADERS_SIZE_BYTES_MAX = 64 * 1024
BODY_GATHERED_BYTES_MAX = 16 * 1024 * 1024
"""The largest body that is read into memory (everything but S3 object data)."""
BODY_IDLE_SECONDS_MAX = 30.0
"""How long a client may send nothing in the middle of a body."""
