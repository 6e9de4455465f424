"""Trino's SQL against answers taken from Trino's documentation (the files in `cases/`).

A case is a statement, then `:: type | type`, then its rows as `=> value | value`; or `!! error`,
the beginning of the error's text. Values are as Athena shows them; NULL stands for NULL.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.engines.sql.trino.errors import StatementError

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


@pytest.mark.parametrize(("sql", "expected"), list(read_cases()))
def test_a_statement_means_what_trino_says(evaluate, sql: str, expected: list[str]) -> None:
    errors = [line[3:] for line in expected if line.startswith("!!")]
    if errors:
        with pytest.raises(StatementError) as caught:
            evaluate(sql)
        assert str(caught.value).startswith(errors[0])
        return
    answer = evaluate(sql)
    shown = [" | ".join("NULL" if value is None else value for value in row) for row in answer.rows]
    assert shown == [line[3:] for line in expected if line.startswith("=>")]
    types = [line[3:] for line in expected if line.startswith("::")]
    if types:
        assert " | ".join(answer.types) == types[0]
