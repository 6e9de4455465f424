"""The example runs from nothing to a chart, and its answer is the generator's."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.retail import driver
from examples.retail.chart import draw
from examples.retail.generate import main as generate
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


def test_the_driver_runs_against_a_server_and_runs_again(server, tmp_path: Path) -> None:
    access = {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
    }

    def drive(rows: int, file_format: str) -> tuple[int, int]:
        """The orders and the units that it prints."""
        folder = tmp_path / file_format
        made = ["--rows", str(rows), "--files", "monthly", "--format", file_format]
        generate([*made, "--out", str(folder)])
        finished = subprocess.run(
            [
                sys.executable,
                *("-m", "examples.retail.driver", "--format", file_format),
                *("--orders", str(folder), "--chart", str(folder / "chart")),
            ],
            cwd=ROOT,
            env=os.environ | access,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert (folder / "chart/revenue.svg").stat().st_size > 10_000
        rows_told = [line.split("\t") for line in finished.stdout.splitlines() if "\t" in line]
        return sum(int(row[5]) for row in rows_told), sum(int(row[4]) for row in rows_told)

    for rows, file_format in ((2000, "csv"), (1000, "parquet")):
        totals = drive(rows, file_format)
        kept = json.loads((tmp_path / file_format / "totals.json").read_text())
        assert totals == (rows, sum(group["units"] for group in kept))


def test_the_driver_wants_orders(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["driver", "--orders", str(tmp_path)])
    with pytest.raises(SystemExit):
        driver.main()
    assert "there are no csv files in" in capsys.readouterr().err


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
