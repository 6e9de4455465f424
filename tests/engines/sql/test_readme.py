"""The README's table of functions is the registry's."""

import re
from pathlib import Path

from millpond.engines.sql.trino.functions import names
from millpond.engines.sql.trino.special_calls import SPECIAL_NAMES

README = Path(__file__).parents[3] / "src" / "millpond" / "engines" / "sql" / "README.md"
_SAID_OTHERWISE = {"row", "try"}
_WORDS_OF_SQL = {"case", "current_date", "current_time", "localtime", "and", "every", "aggregate"}


def test_the_readme_names_every_function_and_no_other() -> None:
    table = README.read_text().partition("Functions (each")[2].partition("##")[0]
    rows = re.findall(r"^\| [\w ]+ \| (.*) \|$", table, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"\b[a-z][a-z0-9_]*\b", row)}
    known = {name for name, _ in names()} | set(SPECIAL_NAMES)
    assert known - told - _SAID_OTHERWISE == set()
    assert told - known - _WORDS_OF_SQL == set()
