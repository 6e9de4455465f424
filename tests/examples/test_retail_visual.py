"""The retail job as a visual Glue job gives the table that the job on EMR gives."""

import os
import subprocess
import sys
from pathlib import Path

from examples.retail.generate import main as generate
from tests.house.documents import ROOT


def test_the_visual_job_gives_the_same_table_as_the_job_on_emr(
    fresh_server, tmp_path: Path
) -> None:
    access = {
        "AWS_ENDPOINT_URL": fresh_server.endpoint,
        "AWS_DEFAULT_REGION": fresh_server.region,
        "AWS_ACCESS_KEY_ID": fresh_server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": fresh_server.secret_access_key,
    }

    def run(*arguments: str) -> str:
        finished = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=os.environ | access,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    folder = str(tmp_path / "orders")
    generate(["--rows", "3000", "--files", "monthly", "--out", folder])
    run("examples.retail.driver", "--orders", folder, "--chart", str(tmp_path / "chart"))
    told = run("examples.retail.visual")
    assert "# Script generated for node Season and amount\n" in told
    assert told.endswith(" rows; the same as the EMR job's.\n")
    assert int(told.splitlines()[-1].split()[0]) > 600
