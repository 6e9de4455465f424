"""What stands for the streams engine on a machine that has none: it refuses, and says what to
install.

Applications can be described, stopped and deleted without it, not made or started.
"""

from pathlib import Path

from millpond.engines.streams.interface import (
    Access,
    CannotStart,
    Checked,
    Installed,
    Order,
    Program,
    Run,
)

_TEXT = "There is no streams engine on this machine: pip install 'millpond[streams]'."


class MissingStreams:
    """`Streams` that refuses every program."""

    def installed(self) -> Installed | None:
        return None

    async def check(self, program: Program, access: Access | None = None) -> Checked:
        raise CannotStart(_TEXT)

    async def start(self, order: Order) -> Run:
        raise CannotStart(_TEXT)

    async def delete_snapshot(self, folder: Path, name: str) -> None:
        """Its files go with the application's folder."""

    async def delete_state(self, folder: Path) -> None:
        """Its files go with the application's folder."""
