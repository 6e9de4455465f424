"""The files in `cases/`: statements and what they answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"


def read_cases() -> Iterator[object]:
    for file in sorted(CASES.glob("*.txt")):
        for block in file.read_text().split("\n\n"):
            lines = [line for line in block.splitlines() if not line.startswith("#")]
            if not any(lines):
                continue
            sql = "\n".join(line for line in lines if line[:2] not in ("::", "=>", "!!"))
            marked = [line for line in lines if line[:2] in ("::", "=>", "!!")]
            yield pytest.param(sql, marked, id=f"{file.stem}: {sql[:70]}")
