"""How long state is kept that nothing else bounds: `table.exec.state.ttl`."""

from collections.abc import Mapping

from millpond.engines.streams.runtime.settings import STATE_TTL, duration_ms


def retention_ms(settings: Mapping[str, str]) -> int:
    """How long a row is kept after it was last written; 0: for good.

    Raises:
        Refused: the setting is no duration.
    """
    return duration_ms(settings.get(STATE_TTL, "0 ms"), STATE_TTL)
