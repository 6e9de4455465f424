"""Imports go downward only; rooms on one floor are strangers (see `pyproject.toml`)."""

import subprocess
import sys
from pathlib import Path

from tests.house.documents import ROOT


def test_the_import_contracts_hold() -> None:
    finished = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
