"""Every example in the documents is run, in order, against a real server.

The convention: in `README.md` and the guides, a `sh` or `python` block is run in a shell that was
prepared by `millpond env`, each document in a folder and on a server of its own. A `text` block
right after one is what it prints. A `console` block is only shown, unless it has `kill -9` in it:
then the server is killed there, and started again.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.documents import ROOT, Block, blocks, committed, name_of

RUN = {
    "sh": ["sh", "-e", "-c"],
    "python": [sys.executable, "-W", "ignore"],
}
SHOWN = {"console", "text", "toml", "json", ""}
DOCUMENTS = [ROOT / "README.md", *committed("docs/guides/*.md")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_example_does_what_it_shows(path: Path, fresh_server, tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    found = blocks(path)
    following = [*found[1:], Block("", "", 0)]
    ran = 0
    for block, after in zip(found, following, strict=True):
        if block.language == "console" and "kill -9" in block.text:
            fresh_server.restart(kill=True)
        if block.language not in RUN:
            assert block.language in SHOWN, f"{name_of(path)}:{block.line}: {block.language}"
            continue
        printed = run(block, folder, fresh_server.environment(), f"{name_of(path)}:{block.line}")
        if after.language == "text":
            assert printed.strip() == after.text.strip(), f"{name_of(path)}:{block.line}"
        ran += 1
    assert ran > 0


def run(block: Block, folder: Path, environment: dict[str, str], where: str) -> str:
    """Run a block as a program of its own; what it printed."""
    if block.language == "python":
        script = folder / "example.py"
        script.write_text(block.text, "utf-8")
        command = [*RUN["python"], str(script)]
    else:
        command = [*RUN["sh"], block.text]
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, f"{where}: {finished.stderr}"
    return finished.stdout
