"""Statements with words lost, added and exchanged: each compiles or is refused by name."""

import random
import re

import duckdb
import pytest
from trino_cases import read_cases

from millpond.engines.sql.failures import statement_error
from millpond.engines.sql.session import Functions, open_session
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.statement import Session, compile_statement

_TOKEN = re.compile(r"'[^']*'|\w+|\s+|.")
STATEMENTS = [case.values[0] for case in read_cases()]  # type: ignore[attr-defined]
WORDS = [word for text in STATEMENTS for word in _TOKEN.findall(text) if word.strip()]


def mutate(chance: random.Random) -> str:
    words = _TOKEN.findall(chance.choice(STATEMENTS))
    for _ in range(chance.randint(1, 3)):
        if not words:
            break
        place = chance.randrange(len(words))
        match chance.choice(("lose", "exchange", "add")):
            case "lose":
                words.pop(place)
            case "exchange":
                words[place] = f" {chance.choice(WORDS)} "
            case _:
                words.insert(place, f" {chance.choice(WORDS)} ")
    return "".join(words)


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_statement_is_refused_or_runs(seed: int, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("session")
    connection = open_session(
        memory_bytes=256 << 20, threads=1, temporary=folder, temporary_bytes=16 << 20
    )
    functions = Functions(connection)
    chance = random.Random(seed)
    compiled = 0
    for _ in range(300):
        text = mutate(chance)
        if "RECURSIVE" in text or "00000" in text:
            continue
        try:
            plan = compile_statement(text, Session("AwsDataCatalog", "d"), {})
        except StatementError:
            continue
        compiled += 1
        functions.provide(plan.sql)
        try:
            connection.execute(f"SELECT * FROM ({plan.sql}) LIMIT 3").fetchall()
        except duckdb.Error as error:
            refused = statement_error(error)
            assert refused.name != "GENERIC_INTERNAL_ERROR", f"{text}\n{error}"
    assert compiled > 5
