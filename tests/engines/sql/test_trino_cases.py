"""Trino's SQL against answers taken from Trino's documentation (the files in `cases/`).

A case is a statement, then `:: type | type`, then its rows as `=> value | value`; or `!! error`,
the beginning of the error's text. Values are as Athena shows them; NULL stands for NULL.
"""

import pytest
from trino_cases import read_cases

from millpond.engines.sql.trino.errors import StatementError


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
