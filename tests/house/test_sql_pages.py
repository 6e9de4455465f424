"""Every example of the reference of streaming SQL does what it shows."""

import sys
from pathlib import Path

import pytest

from millpond.engines.streams.functions.loading import add_folders
from tests.house.documents import ROOT, Block, blocks
from tests.house.sql_pages import Page

PAGE = ROOT / "docs" / "reference" / "streaming-sql.md"
SHOWN = {"text", "json", ""}


def test_every_example_does_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    add_folders(tmp_path)
    page = Page(tmp_path)
    found = blocks(PAGE)
    for block, after in zip(found, [*found[1:], Block("", "", 0)], strict=True):
        assert block.language in {"sql", "csv", "python", *SHOWN}, f"line {block.line}"
        page.take(block, after)
    assert page.ran > 20
