"""Layers of Python modules: what pip is shown of the machine, and what is kept of what it says."""

import asyncio
import sys
from pathlib import Path

import pytest

from millpond.engines.spark.interface import CannotStart
from millpond.engines.spark.modules import PythonModules, _last_of


@pytest.fixture
def modules(tmp_path: Path) -> PythonModules:
    (tmp_path / "data").mkdir()
    return PythonModules(tmp_path / "data", "test", tmp_path / "layers")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{data}", "{data}/secret", "{data}/link.whl", "{data}/lost.whl"]
)
async def test_only_packages_of_the_platform_are_shown_to_pip(
    modules: PythonModules, tmp_path: Path, path: str
) -> None:
    data = tmp_path / "data"
    (data / "secret").write_text("x")
    (tmp_path / "outside.whl").write_text("x")
    (data / "link.whl").symlink_to(tmp_path / "outside.whl")
    with pytest.raises(CannotStart, match="no package here"):
        await modules.ready(Path(sys.executable), ["x", path.format(data=data)], lambda _: None)
    assert list((tmp_path / "layers").iterdir()) == []


async def test_the_end_of_much_output_is_kept() -> None:
    stream = asyncio.StreamReader()
    for _ in range(50):
        stream.feed_data(b"x" * 10_000)
    stream.feed_data(b"the end")
    stream.feed_eof()
    text = await _last_of(stream)
    assert len(text) == 64 << 10
    assert text.endswith("xthe end")
