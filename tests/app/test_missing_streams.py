"""Without a streams engine every program is refused with what to install."""

from pathlib import Path

import pytest

from millpond.app.missing_streams import MissingStreams
from millpond.engines.streams.interface import Access, CannotStart, Order, Program

PROGRAM = Program("flink", "SELECT 1")
ORDER = Order(name="a", program=PROGRAM, folder=Path("a"), access=Access("http://h", "r", "k", "s"))


@pytest.mark.parametrize(
    "ask", [lambda streams: streams.check(PROGRAM), lambda streams: streams.start(ORDER)]
)
async def test_every_program_is_refused(ask) -> None:
    with pytest.raises(CannotStart, match=r"pip install 'millpond\[streams\]'"):
        await ask(MissingStreams())


async def test_what_was_made_before_can_be_deleted(tmp_path: Path) -> None:
    streams = MissingStreams()
    assert streams.installed() is None
    await streams.delete_snapshot(tmp_path, "s")
    await streams.delete_state(tmp_path)
