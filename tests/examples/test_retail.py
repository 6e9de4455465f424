"""The example runs from nothing to a chart, and its answer is the generator's."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.retail.chart import draw
from tests.house.documents import ROOT


def test_the_demo_runs_to_its_end_and_leaves_nothing_running(tmp_path: Path) -> None:
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "examples.retail.demo",
            *("--rows", "30000", "--files", "monthly", "--folder", str(tmp_path / "demo")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "every sum is the same, to the cent" in finished.stdout
    assert "\033[K" not in finished.stdout
    assert (tmp_path / "demo/revenue.svg").stat().st_size > 10_000
    assert (tmp_path / "demo/revenue.png").read_bytes().startswith(b"\x89PNG")
    endpoint = re.search(r"http://127.0.0.1:\d+", finished.stdout)
    assert endpoint is not None
    assert not (tmp_path / "demo/data/run.json").exists()


@pytest.mark.parametrize("size", [1e3, 1e7])
def test_the_chart_finds_a_fitting_unit(size: float, tmp_path: Path) -> None:
    rows = [
        {"region": region, "category": category, "season": season, "revenue": size * (index + 1)}
        for region in ("North", "South")
        for index, category in enumerate(("Books", "Toys"))
        for season in ("winter", "spring", "summer", "autumn")
    ]
    paths = draw(rows, "2025", tmp_path)
    assert [path.name for path in paths] == ["revenue.svg", "revenue.png"]
