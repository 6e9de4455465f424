"""What tells one event from another."""


def event_id(time_ms: int, stream_id: str, position: int) -> str:
    """56 digits that grow with time, and no other event has."""
    return f"{time_ms << 128 | int(stream_id, 16) << 64 | position:056d}"
