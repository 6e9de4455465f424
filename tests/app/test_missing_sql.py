"""Without an SQL engine every query is refused with what to install."""

import pytest

from millpond.app.missing_sql import MissingSql
from millpond.engines.sql.interface import Query, QueryRefused, TextOutput

QUERY = Query(sql="SELECT 1", catalog="awsdatacatalog", schema="default", user="u", now_ms=0)


async def run(sql: MissingSql) -> None:
    async with sql.run(QUERY, None, TextOutput()):
        pass


@pytest.mark.parametrize(
    "ask",
    [
        lambda sql: sql.check("SELECT 1"),
        lambda sql: sql.describe(QUERY, None),
        lambda sql: sql.explain(QUERY, None),
        run,
    ],
)
async def test_every_query_is_refused(ask) -> None:
    with pytest.raises(QueryRefused, match=r"pip install 'millpond\[sql\]'"):
        await ask(MissingSql())
