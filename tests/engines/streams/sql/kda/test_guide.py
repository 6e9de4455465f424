"""The examples of AWS's guide to SQL applications, on random trades with a restart, against DuckDB
over all of them at once.

Source: Amazon Kinesis Data Analytics for SQL Applications Developer Guide, Streaming SQL Concepts
and Example Applications.
"""

import pytest
from kda_runs import (
    OUTPUT,
    SOURCE,
    answer,
    check_same,
    output,
    planned,
    pumped,
    run,
    source,
    trades,
)

from millpond.engines.streams import plan as plans
from millpond.engines.streams.sql.explain import explain

COLUMNS = "ticker_symbol VARCHAR(4), sector VARCHAR(16), change REAL, price REAL"


@pytest.fixture(scope="module", params=[1, 2])
def rows(request):
    return trades(request.param)


def compare(columns, query, expected, rows):
    """One pump's output is DuckDB's answer."""
    check_same(run(pumped(columns, query), rows)[OUTPUT], answer(expected, rows))


def test_a_continuous_filter(rows) -> None:
    compare(
        COLUMNS,
        f"""-- Technology stocks
        SELECT STREAM ticker_symbol, sector, change, price FROM {SOURCE}
        WHERE sector SIMILAR TO '%RETAIL%' /* or none */ AND price != 10""",
        "SELECT TICKER_SYMBOL, SECTOR, CHANGE, PRICE::FLOAT FROM s "
        "WHERE SECTOR = 'RETAIL' AND PRICE <> 10",
        rows,
    )


def test_a_tumbling_window_with_step(rows) -> None:
    compare(
        "ticker_symbol VARCHAR(4), min_price DOUBLE, max_price DOUBLE, trades INTEGER",
        f"""SELECT STREAM ticker_symbol, MIN(price), MAX(price) AS max_price, COUNT(*)
        FROM {SOURCE}
        GROUP BY ticker_symbol, STEP({SOURCE}.ROWTIME BY INTERVAL '60' SECOND)""",
        "SELECT TICKER_SYMBOL, min(PRICE), max(PRICE), count(*) FROM s "
        "GROUP BY TICKER_SYMBOL, time_bucket(INTERVAL 60 SECONDS, ROWTIME)",
        rows,
    )


def test_a_tumbling_window_with_floor_gives_its_beginning(rows) -> None:
    compare(
        "minute TIMESTAMP, sector VARCHAR(16), shares BIGINT, tickers BIGINT",
        f"""SELECT STREAM FLOOR(s.ROWTIME TO MINUTE), sector, SUM(shares),
          COUNT(DISTINCT ticker_symbol)
        FROM {SOURCE} AS s GROUP BY FLOOR(s.ROWTIME TO MINUTE), sector HAVING COUNT(*) > 3""",
        "SELECT date_trunc('minute', ROWTIME) AS m, SECTOR, sum(SHARES)::BIGINT, "
        "count(DISTINCT TICKER_SYMBOL) FROM s GROUP BY m, SECTOR HAVING count(*) > 3",
        rows,
    )


def test_what_is_distinct_in_each_window(rows) -> None:
    compare(
        "minute TIMESTAMP, sector VARCHAR(16)",
        f"SELECT STREAM DISTINCT FLOOR(s.ROWTIME TO MINUTE) AS m, sector FROM {SOURCE} AS s",
        "SELECT DISTINCT date_trunc('minute', ROWTIME), SECTOR FROM s",
        rows,
    )


def test_a_tumbling_window_as_it_was_written_before_step(rows) -> None:
    compare(
        "ticker VARCHAR(4), trades INTEGER",
        f"""SELECT STREAM ticker_symbol, COUNT(*) FROM {SOURCE} GROUP BY ticker_symbol,
        FLOOR(({SOURCE}.ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 20 TO SECOND)""",
        "SELECT TICKER_SYMBOL, count(*) FROM s "
        "GROUP BY TICKER_SYMBOL, time_bucket(INTERVAL 20 SECONDS, ROWTIME)",
        rows,
    )


def test_a_tumbling_window_by_event_time_within_one_by_arrival(rows) -> None:
    compare(
        "event_time TIMESTAMP, ticker VARCHAR(4), trades INTEGER",
        f"""SELECT STREAM STEP(event_time BY INTERVAL '60' SECOND), ticker_symbol, COUNT(*)
        FROM {SOURCE} GROUP BY ticker_symbol, STEP({SOURCE}.ROWTIME BY INTERVAL '60' SECOND),
        STEP(event_time BY INTERVAL '60' SECOND)""",
        "SELECT date_trunc('minute', EVENT_TIME) AS m, TICKER_SYMBOL, count(*) FROM s "
        "GROUP BY m, TICKER_SYMBOL, date_trunc('minute', ROWTIME)",
        rows,
    )


def test_a_stagger_window(rows) -> None:
    found = run(
        pumped(
            "event_time TIMESTAMP, ticker VARCHAR(4), trades INTEGER",
            f"""SELECT STREAM FLOOR(event_time TO MINUTE), ticker_symbol, COUNT(ticker_symbol)
            FROM {SOURCE}
            WINDOWED BY STAGGER (
              PARTITION BY FLOOR(event_time TO MINUTE), ticker_symbol RANGE INTERVAL '1' MINUTE)""",
        ),
        rows,
    )[OUTPUT]
    open_at = {}
    counts = []
    for row in rows:
        key = (row["EVENT_TIME"].replace(second=0, microsecond=0), row["TICKER_SYMBOL"])
        begun = open_at.get(key)
        if begun is None or (row["ROWTIME"] - begun[0]).total_seconds() >= 60:
            begun = [row["ROWTIME"], 0]
            open_at[key] = begun
            counts.append((key, begun))
        begun[1] += 1
    check_same(found, [(*key, begun[1]) for key, begun in counts])


def test_a_sliding_window_by_time_and_one_by_rows(rows) -> None:
    compare(
        "ticker VARCHAR(4), low DOUBLE, high DOUBLE, mean DOUBLE, recent DOUBLE",
        f"""SELECT STREAM ticker_symbol, MIN(price) OVER w1, MAX(price) OVER w1,
          AVG(price) OVER w1, SUM(price) OVER w2
        FROM {SOURCE}
        WINDOW w1 AS (PARTITION BY ticker_symbol RANGE INTERVAL '1' MINUTE PRECEDING),
               w2 AS (PARTITION BY ticker_symbol ROWS 2 PRECEDING)""",
        "SELECT TICKER_SYMBOL, min(PRICE) OVER w, max(PRICE) OVER w, avg(PRICE) OVER w, "
        "sum(PRICE) OVER (PARTITION BY TICKER_SYMBOL ORDER BY ROWTIME ROWS 2 PRECEDING) FROM s "
        "WINDOW w AS (PARTITION BY TICKER_SYMBOL ORDER BY ROWTIME "
        "RANGE INTERVAL 1 MINUTE PRECEDING)",
        rows,
    )


def test_windowed_by_sliding_and_tumbling(rows) -> None:
    sliding = pumped(
        "ticker VARCHAR(4), n INTEGER",
        f"""SELECT STREAM ticker_symbol, COUNT(*) FROM {SOURCE}
        WINDOWED BY SLIDING (PARTITION BY ticker_symbol RANGE INTERVAL '30' SECOND)""",
    )
    expected = (
        "SELECT TICKER_SYMBOL, count(*) OVER (PARTITION BY TICKER_SYMBOL ORDER BY ROWTIME "
        "RANGE INTERVAL 30 SECONDS PRECEDING) FROM s"
    )
    check_same(run(sliding, rows)[OUTPUT], answer(expected, rows))
    tumbling = sliding.replace("SLIDING", "TUMBLING")
    expected = (
        "SELECT TICKER_SYMBOL, count(*) FROM s "
        "GROUP BY TICKER_SYMBOL, time_bucket(INTERVAL 30 SECONDS, ROWTIME)"
    )
    check_same(run(tumbling, rows)[OUTPUT], answer(expected, rows))


def test_streams_are_joined_within_their_windows(rows) -> None:
    compare(
        "ticker VARCHAR(4), bought DOUBLE, sold DOUBLE",
        f"""SELECT STREAM b.ticker_symbol, b.price, s.price
        FROM {SOURCE} OVER (RANGE INTERVAL '20' SECOND PRECEDING) AS b
        JOIN {SOURCE} OVER w AS s ON b.ticker_symbol = s.ticker_symbol AND b.price < s.price
        WINDOW w AS (RANGE INTERVAL '5' SECOND PRECEDING)""",
        "SELECT b.TICKER_SYMBOL, b.PRICE, s.PRICE FROM s AS b JOIN s "
        "ON b.TICKER_SYMBOL = s.TICKER_SYMBOL AND b.PRICE < s.PRICE AND b.ROWTIME BETWEEN "
        "s.ROWTIME - INTERVAL 20 SECONDS AND s.ROWTIME + INTERVAL 5 SECONDS",
        rows,
    )


def test_what_finds_nothing_in_the_window_of_an_outer_join_stays(rows) -> None:
    compare(
        "ticker VARCHAR(4), bought DOUBLE, sold DOUBLE",
        f"""SELECT STREAM b.ticker_symbol, b.price, s.price
        FROM {SOURCE} OVER (RANGE INTERVAL '2' SECOND PRECEDING) AS b
        LEFT JOIN {SOURCE} OVER (RANGE INTERVAL '1' SECOND PRECEDING) AS s
        ON b.ticker_symbol = s.ticker_symbol AND b.price < s.price""",
        "SELECT b.TICKER_SYMBOL, b.PRICE, s.PRICE FROM s AS b LEFT JOIN s "
        "ON b.TICKER_SYMBOL = s.TICKER_SYMBOL AND b.PRICE < s.PRICE AND b.ROWTIME BETWEEN "
        "s.ROWTIME - INTERVAL 2 SECONDS AND s.ROWTIME + INTERVAL 1 SECOND",
        rows,
    )


def test_rows_are_joined_with_reference_data(rows) -> None:
    compare(
        'ticker VARCHAR(4), "Company" VARCHAR(20), price DOUBLE',
        f"""SELECT STREAM ticker_symbol, "c"."Company", price
        FROM {SOURCE} LEFT JOIN "CompanyName" AS "c"
        ON {SOURCE}.ticker_symbol = "c"."Ticker" """,
        "SELECT TICKER_SYMBOL, Company, PRICE FROM s LEFT JOIN companies ON TICKER_SYMBOL = Ticker",
        rows,
    )
    compare(
        'ticker VARCHAR(4), "Company" VARCHAR(20)',
        f"""SELECT STREAM ticker_symbol, c."Company" FROM {SOURCE}, "CompanyName" AS c
        WHERE c."Ticker" = ticker_symbol AND price > 20""",
        "SELECT TICKER_SYMBOL, Company FROM s JOIN companies ON TICKER_SYMBOL = Ticker "
        "WHERE PRICE > 20",
        rows,
    )


def test_streams_feed_streams_and_several_pumps_fill_one(rows) -> None:
    """In any order of the text; a stream that two read is computed once."""
    sql = f"""
    CREATE OR REPLACE STREAM "{OUTPUT}" (ticker VARCHAR(4), what VARCHAR(8), n BIGINT);
    CREATE OR REPLACE PUMP "LOW" AS INSERT INTO "{OUTPUT}" (n, ticker, what)
      SELECT STREAM COUNT(*), ticker, 'low' FROM cheap GROUP BY ticker, FLOOR(ROWTIME TO MINUTE);
    CREATE OR REPLACE PUMP "HIGH" AS INSERT INTO "{OUTPUT}"
      SELECT STREAM ticker_symbol, 'high', shares FROM {SOURCE} WHERE price > 150
      UNION ALL SELECT STREAM ticker, 'cheap', 1 FROM cheap;
    CREATE OR REPLACE STREAM cheap (ticker VARCHAR(4), price DOUBLE);
    CREATE OR REPLACE PUMP cheap_pump AS INSERT INTO cheap
      SELECT STREAM ticker_symbol, price FROM {SOURCE} WHERE price < 50;
    """
    expected = (
        "SELECT TICKER_SYMBOL, 'low', count(*) FROM s WHERE PRICE < 50 "
        "GROUP BY TICKER_SYMBOL, date_trunc('minute', ROWTIME) "
        "UNION ALL SELECT TICKER_SYMBOL, 'high', SHARES FROM s WHERE PRICE > 150 "
        "UNION ALL SELECT TICKER_SYMBOL, 'cheap', 1 FROM s WHERE PRICE < 50"
    )
    check_same(run(sql, rows)[OUTPUT], answer(expected, rows))
    plan = planned(sql)
    assert len([node for node in plan.nodes() if isinstance(node, plans.Source)]) == 1
    assert '"type"' in explain(plan)


def test_what_comes_most_often_and_how_many_there_are(rows) -> None:
    compare(
        "item VARCHAR(1024), item_count DOUBLE",
        f"""SELECT STREAM ITEM, ITEM_COUNT FROM TABLE(TOP_K_ITEMS_TUMBLING(
          CURSOR(SELECT STREAM * FROM {SOURCE}), 'TICKER_SYMBOL', 2, 60))""",
        "SELECT TICKER_SYMBOL, n::DOUBLE FROM (SELECT TICKER_SYMBOL, count(*) AS n, "
        "date_trunc('minute', ROWTIME) AS m FROM s GROUP BY ALL) QUALIFY row_number() OVER "
        "(PARTITION BY m ORDER BY n DESC, TICKER_SYMBOL) <= 2",
        rows,
    )
    compare(
        "n BIGINT",
        f"""SELECT STREAM NUMBER_OF_DISTINCT_ITEMS FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(
          CURSOR(SELECT STREAM * FROM {SOURCE}), 'TICKER_SYMBOL', 10))""",
        "SELECT count(DISTINCT TICKER_SYMBOL) FROM s "
        "GROUP BY time_bucket(INTERVAL 10 SECONDS, ROWTIME)",
        rows,
    )


def test_groups_are_ranked(rows) -> None:
    compare(
        "ticker VARCHAR(4), shares BIGINT, place INTEGER",
        f"""SELECT STREAM * FROM TABLE(GROUP_RANK(CURSOR(
            SELECT STREAM ticker_symbol, SUM(shares) AS total FROM {SOURCE}
            GROUP BY ticker_symbol, FLOOR(ROWTIME TO MINUTE)),
          'TOTAL', 'PLACE', 'desc', 'asc', 10, 0))""",
        "SELECT TICKER_SYMBOL, total::BIGINT, rank() OVER (PARTITION BY m ORDER BY total DESC) "
        "FROM (SELECT TICKER_SYMBOL, sum(SHARES) AS total, date_trunc('minute', ROWTIME) AS m "
        "FROM s GROUP BY ALL)",
        rows,
    )


def test_a_window_over_the_results_of_another(rows) -> None:
    compare(
        "ticker VARCHAR(4), n BIGINT, so_far BIGINT",
        f"""SELECT STREAM t, n, SUM(n) OVER (PARTITION BY t RANGE INTERVAL '1' MINUTE PRECEDING)
        FROM (SELECT STREAM ticker_symbol AS t, COUNT(*) AS n FROM {SOURCE}
              GROUP BY ticker_symbol, STEP(ROWTIME BY INTERVAL '20' SECOND))""",
        "SELECT t, n, (sum(n) OVER (PARTITION BY t ORDER BY w RANGE INTERVAL 1 MINUTE PRECEDING))"
        "::BIGINT FROM (SELECT TICKER_SYMBOL AS t, count(*) AS n, "
        "time_bucket(INTERVAL 20 SECONDS, ROWTIME) AS w FROM s GROUP BY ALL)",
        rows,
    )


def test_expressions_of_its_own(rows) -> None:
    compare(
        "a BIGINT, b BIGINT, c VARCHAR(32), d TIMESTAMP, e VARCHAR(16), f TIMESTAMP, g INTEGER",
        f"""SELECT STREAM TSDIFF(event_time, ROWTIME), UNIX_TIMESTAMP(event_time),
          TIMESTAMP_TO_CHAR('yyyy-MM-dd HH:mm:ss', TO_TIMESTAMP(UNIX_TIMESTAMP(event_time))),
          CHAR_TO_TIMESTAMP('dd/MM/yyyy HH:mm', '21/11/2026 08:30'),
          LOWER(ticker_symbol) || CASE WHEN price > 100 THEN '+' ELSE '' END,
          CURRENT_ROW_TIMESTAMP, CHAR_LENGTH(ticker_symbol) FROM {SOURCE}""",
        "SELECT epoch_ms(ROWTIME) - epoch_ms(EVENT_TIME), epoch_ms(EVENT_TIME), "
        "strftime(EVENT_TIME, '%Y-%m-%d %H:%M:%S'), TIMESTAMP '2026-11-21 08:30:00', "
        "lower(TICKER_SYMBOL) || CASE WHEN PRICE > 100 THEN '+' ELSE '' END, ROWTIME, "
        "length(TICKER_SYMBOL) FROM s",
        rows,
    )


def test_the_streams_of_one_input_share_its_shards(rows) -> None:
    """An input's parallelism of two: each stream gets the records of its shards, once."""
    sql = pumped(
        "n INTEGER",
        """SELECT STREAM SHARES FROM "SOURCE_SQL_STREAM_001"
        UNION ALL SELECT STREAM SHARES FROM "SOURCE_SQL_STREAM_002" """,
    )
    tables = (source(), source("SOURCE_SQL_STREAM_002"), output())
    placed = [row | {"$shard": f"shardId-{place % 3:012d}"} for place, row in enumerate(rows)]
    check_same(run(sql, placed, tables)[OUTPUT], [(row["SHARES"],) for row in rows])
    alone = pumped("n INTEGER", f"SELECT STREAM shares FROM {SOURCE}")
    found = run(alone, placed, tables)[OUTPUT]
    check_same(found, [(row["SHARES"],) for place, row in enumerate(rows) if place % 3 != 1])
