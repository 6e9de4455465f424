"""How the engine bounds what applications do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Bounds in seconds and bytes.

    `hang_seconds`: a step that takes longer, or a process that tells nothing for so long, is ended.
    `start_seconds`: importing, opening functions and connectors, restoring. `check_seconds` and
    `check_memory_bytes` are of a check; a process kept for the next check ends after
    `check_idle_seconds`. `install_seconds`: installing a program's requirements. `stop_seconds`:
    how long a stop without draining may take. `tmp_bytes`: what may lie in a temporary folder.
    """

    hang_seconds: float = 60.0
    start_seconds: float = 120.0
    check_seconds: float = 30.0
    check_memory_bytes: int = 1 << 30
    check_idle_seconds: float = 120.0
    install_seconds: float = 600.0
    stop_seconds: float = 60.0
    tmp_bytes: int = 2 << 30
