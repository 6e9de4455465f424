"""Programs from their text to the rows of their sinks."""

from program_runs import TABLES, at, planned, query_plan, replaced, run


def tx(seconds, card="a", amount=1.0, **more):
    return {"card": card, "amount": amount, "ts": at(seconds), **more}


def out(query, columns, *batches, key=None, **more):
    rest = f", PRIMARY KEY ({key}) NOT ENFORCED" if key else ""
    return run(query_plan(query, columns + rest), batches, **more)["o"]


def values(rows):
    return sorted(tuple(row.values()) for row in rows)


def test_a_projection_and_a_filter():
    rows = out(
        "SELECT UPPER(card), amount * 2 FROM tx WHERE amount > 1",
        "card STRING, twice DOUBLE",
        {"tx": [tx(0, amount=1), tx(1, amount=2.5)]},
    )
    assert rows == [{"card": "A", "twice": 5.0}]


def test_a_tumbling_window_gives_each_group_once():
    rows = out(
        """SELECT card, window_start, SUM(amount), COUNT(*)
        FROM TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY card, window_start, window_end HAVING COUNT(*) > 1""",
        "card STRING, ws TIMESTAMP(3), s DOUBLE, c BIGINT",
        {"tx": [tx(1), tx(2, amount=2), tx(3, "b")]},
        {"tx": [tx(9), tx(16), tx(17, amount=4)]},
        {"tx": [tx(40)]},
    )
    assert rows == [
        {"card": "a", "ws": at(0), "s": 4.0, "c": 3},
        {"card": "a", "ws": at(10), "s": 5.0, "c": 2},
    ]


def test_windows_of_windows():
    rows = out(
        """WITH minutes AS (
          SELECT window_time AS rt, card, SUM(amount) AS s
          FROM TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '10' SECOND))
          GROUP BY card, window_start, window_end, window_time)
        SELECT window_start, window_end, MAX(s), COUNT(*)
        FROM TABLE(TUMBLE(TABLE minutes, DESCRIPTOR(rt), INTERVAL '20' SECOND))
        GROUP BY window_start, window_end""",
        "ws TIMESTAMP(3), we TIMESTAMP(3), m DOUBLE, c BIGINT",
        {"tx": [tx(1), tx(2, "b", 5), tx(11), tx(12), tx(31)]},
    )
    assert [tuple(row.values()) for row in rows] == [
        (at(0), at(20), 5.0, 3),
        (at(20), at(40), 1.0, 1),
    ]


def test_the_best_of_a_window_joined_with_all_of_it():
    counts = """SELECT card, COUNT(*) AS num, window_start AS ws, window_end AS we
      FROM TABLE(HOP(TABLE tx, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
      GROUP BY card, window_start, window_end"""
    rows = out(
        f"""SELECT A.card, A.num, A.ws FROM ({counts}) AS A
        JOIN (SELECT MAX(C.num) AS most, C.ws, C.we FROM ({counts}) AS C GROUP BY C.ws, C.we) AS M
        ON A.ws = M.ws AND A.we = M.we AND A.num >= M.most""",
        "card STRING, num BIGINT, ws TIMESTAMP(3)",
        {"tx": [tx(1), tx(2), tx(3, "b"), tx(6, "b"), tx(7, "b")]},
    )
    assert values(rows) == [("a", 2, at(-5)), ("b", 2, at(5)), ("b", 3, at(0))]


def test_the_first_rows_of_each_window():
    rows = out(
        """SELECT card, amount, rn FROM (
          SELECT *, ROW_NUMBER() OVER (
            PARTITION BY window_start, window_end ORDER BY amount DESC) AS rn
          FROM TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '10' SECOND)))
        WHERE rn <= 2""",
        "card STRING, amount DOUBLE, rn BIGINT",
        {"tx": [tx(1, "a", 1), tx(2, "b", 3), tx(3, "c", 2), tx(11, "d", 0)]},
    )
    assert values(rows) == [("b", 3.0, 1), ("c", 2.0, 2), ("d", 0.0, 1)]


def test_of_equal_times_the_row_that_came_last_is_the_last_of_its_window():
    """As Apache Flink 2.3 has it."""
    rows = out(
        """SELECT card, amount FROM (
          SELECT *, ROW_NUMBER() OVER (
            PARTITION BY window_start, window_end, card ORDER BY ts DESC) AS rn
          FROM TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '10' SECOND)))
        WHERE rn = 1""",
        "card STRING, amount DOUBLE",
        {"tx": [tx(1, "a", 1), tx(2, "a", 3), tx(2, "a", 2)]},
    )
    assert values(rows) == [("a", 2.0)]


def test_sessions_by_the_older_syntax():
    rows = out(
        """SELECT card, COUNT(*), SESSION_START(ts, INTERVAL '5' SECOND),
          SESSION_END(ts, INTERVAL '5' SECOND)
        FROM tx GROUP BY card, SESSION(ts, INTERVAL '5' SECOND)""",
        "card STRING, c BIGINT, s TIMESTAMP(3), e TIMESTAMP(3)",
        {"tx": [tx(1), tx(4), tx(20)]},
    )
    assert values(rows) == [("a", 1, at(20), at(25)), ("a", 2, at(1), at(9))]


def test_functions_over_the_rows_before():
    rows = out(
        """SELECT card, SUM(amount) OVER w, COUNT(*) OVER w,
          amount - LAG(amount, 1, 0.0) OVER (PARTITION BY card ORDER BY ts)
        FROM tx WINDOW w AS (PARTITION BY card ORDER BY ts
          RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW)
        """,
        "card STRING, s DOUBLE, c BIGINT, d DOUBLE",
        {"tx": [tx(1, amount=1), tx(5, amount=4), tx(13, amount=2)]},
    )
    assert [tuple(row.values()) for row in rows] == [
        ("a", 1.0, 1, 1.0),
        ("a", 5.0, 2, 3.0),
        ("a", 6.0, 2, -2.0),
    ]


def test_an_interval_join():
    rows = out(
        """SELECT t.card, t.amount, a.why FROM tx t, alerts a
        WHERE t.card = a.card AND a.ts >= t.ts AND a.ts < t.ts + INTERVAL '10' SECOND""",
        "card STRING, amount DOUBLE, why STRING",
        {"tx": [tx(1), tx(5, amount=2), tx(5, "b")]},
        {"alerts": [{"card": "a", "why": "x", "ts": at(11)}]},
    )
    assert rows == [{"card": "a", "amount": 2.0, "why": "x"}]


def test_rows_without_a_partner_go_on_in_an_outer_join():
    rows = out(
        """SELECT t.card, a.why FROM tx t LEFT JOIN alerts a
        ON t.card = a.card AND a.ts BETWEEN t.ts AND t.ts + INTERVAL '10' SECOND""",
        "card STRING, why STRING",
        {"tx": [tx(1), tx(2, "b")], "alerts": [{"card": "a", "why": "x", "ts": at(3)}]},
    )
    assert sorted(rows, key=str) == [{"card": "a", "why": "x"}, {"card": "b", "why": None}]


def test_a_lookup_join():
    rows = out(
        """SELECT t.card, o.owner FROM tx t
        LEFT JOIN owners FOR SYSTEM_TIME AS OF t.pt AS o ON t.card = o.card AND o.owner <> 'me'""",
        "card STRING, owner STRING",
        {"tx": [tx(1), tx(2, "b"), tx(3, "c")]},
        lookups={"owners": [{"card": "a", "owner": "you"}, {"card": "b", "owner": "me"}]},
    )
    assert values([{k: v or "" for k, v in row.items()} for row in rows]) == [
        ("a", "you"),
        ("b", ""),
        ("c", ""),
    ]


def test_groups_for_good_leave_when_they_no_longer_fulfil_having():
    rows = out(
        "SELECT card, SUM(amount) FROM tx GROUP BY card HAVING SUM(amount) > 2",
        "card STRING, s DOUBLE",
        {"tx": [tx(1, amount=3), tx(2, "b", 1)]},
        {"tx": [tx(3, amount=-2), tx(4, "b", 2)]},
        key="card",
    )
    assert replaced(rows, "card") == {("b",): {"card": "b", "s": 3.0}}


def test_the_last_row_of_each_key():
    rows = out(
        """SELECT card, amount FROM (
          SELECT *, ROW_NUMBER() OVER (PARTITION BY card ORDER BY ts DESC) AS rn FROM tx)
        WHERE rn = 1""",
        "card STRING, amount DOUBLE",
        {"tx": [tx(1, amount=1), tx(3, amount=3)]},
        {"tx": [tx(2, amount=2)]},
        key="card",
    )
    assert replaced(rows, "card") == {("a",): {"card": "a", "amount": 3.0}}


def test_the_first_row_of_each_key():
    rows = out(
        """SELECT card, amount FROM (
          SELECT *, ROW_NUMBER() OVER (PARTITION BY card ORDER BY ts) AS rn FROM tx)
        WHERE rn = 1""",
        "card STRING, amount DOUBLE",
        {"tx": [tx(2, amount=2)]},
        {"tx": [tx(1, amount=1)]},
    )
    assert rows == [{"card": "a", "amount": 1.0}]


def test_elements_of_lists_and_unions():
    rows = out(
        """SELECT card, tag FROM tx CROSS JOIN UNNEST(tags) AS t (tag)
        UNION ALL SELECT card, why FROM alerts""",
        "card STRING, tag STRING",
        {
            "tx": [tx(1, tags=["x", "y"]), tx(2, tags=[])],
            "alerts": [{"card": "b", "why": "z", "ts": at(1)}],
        },
    )
    assert values(rows) == [("a", "x"), ("a", "y"), ("b", "z")]


def test_equal_keys_join_for_good():
    rows = out(
        "SELECT t.amount, a.why FROM tx t JOIN alerts a ON t.card = a.card WHERE t.amount > 1",
        "amount DOUBLE, why STRING",
        {"tx": [tx(1), tx(1, amount=2)]},
        {"alerts": [{"card": "a", "why": "x", "ts": at(90)}]},
    )
    assert rows == [{"amount": 2.0, "why": "x"}]


def test_a_statement_set_fills_several_sinks_from_one_view():
    plan = planned(
        TABLES
        + """CREATE VIEW big AS SELECT card, amount FROM tx WHERE amount > 1;
        CREATE TABLE o1 (card STRING) WITH ('connector' = 'print');
        CREATE TABLE o2 (card STRING, amount DOUBLE) WITH ('connector' = 'print');
        EXECUTE STATEMENT SET BEGIN
          INSERT INTO o1 SELECT card FROM big;
          INSERT INTO o2 (amount) SELECT amount FROM big;
        END;"""
    )
    found = run(plan, [{"tx": [tx(1), tx(2, "b", 2)]}])
    assert found == {"o1": [{"card": "b"}], "o2": [{"card": None, "amount": 2.0}]}


def test_rows_that_fail_are_in_the_error_stream():
    plan = query_plan("SELECT message, data_row FROM error_stream", "m STRING, d STRING")
    assert run(plan, [])["o"] == []


def test_distinct_rows_of_a_window():
    rows = out(
        """SELECT DISTINCT card, window_start, window_end
        FROM TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '10' SECOND))""",
        "card STRING, s TIMESTAMP(3), e TIMESTAMP(3)",
        {"tx": [tx(1), tx(2), tx(3, "b")]},
    )
    assert values(rows) == [("a", at(0), at(10)), ("b", at(0), at(10))]


WINDOWS = """(SELECT * FROM TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '10' SECOND))) l"""
OTHERS = """(SELECT * FROM TABLE(TUMBLE(TABLE alerts, DESCRIPTOR(ts), INTERVAL '10' SECOND))) r"""
SAME = "l.window_start = r.window_start AND l.window_end = r.window_end"


def rows_of(rows):
    return sorted((tuple(row.values()) for row in rows), key=str)


def in_windows(query):
    alerts = [("a", "x", 5), ("a", "x", 6), ("b", "z", 15), ("c", "x", 15)]
    return rows_of(
        out(
            query,
            "card STRING, amount DOUBLE",
            {
                "tx": [tx(1), tx(2, "b", 2), tx(11, "b", 3), tx(12, "a", 4)],
                "alerts": [{"card": c, "why": w, "ts": at(s)} for c, w, s in alerts],
            },
        )
    )


def test_rows_with_a_partner_in_their_window():
    exists = f"SELECT 1 FROM {OTHERS} WHERE {SAME} AND l.card = r.card"
    query = f"SELECT card, amount FROM {WINDOWS} WHERE EXISTS ({exists} AND why <> 'z')"
    assert in_windows(query) == [("a", 1.0)]
    query = f"SELECT card, amount FROM {WINDOWS} WHERE amount > 1 AND NOT EXISTS ({exists})"
    assert in_windows(query) == [("a", 4.0), ("b", 2.0)]


def test_rows_in_the_values_of_their_window():
    values_there = f"(SELECT card FROM {OTHERS} WHERE {SAME})"
    query = f"SELECT card, amount FROM {WINDOWS} WHERE l.card IN {values_there}"
    assert in_windows(query) == [("a", 1.0), ("b", 3.0)]
    query = f"SELECT card, amount FROM {WINDOWS} WHERE l.card NOT IN {values_there}"
    assert in_windows(query) == [("a", 4.0), ("b", 2.0)]


def test_windows_join_with_all_their_rows():
    query = f"""SELECT COALESCE(l.card, r.card), l.amount
        FROM {WINDOWS} FULL JOIN {OTHERS} ON {SAME} AND l.card = r.card"""
    assert in_windows(query) == [
        ("a", 1.0),
        ("a", 1.0),
        ("a", 4.0),
        ("b", 2.0),
        ("b", 3.0),
        ("c", None),
    ]


def test_the_first_row_of_all_and_the_sum_over_all():
    rows = out(
        """SELECT card, s FROM (
          SELECT card, SUM(n) OVER (ORDER BY ts) AS s,
            ROW_NUMBER() OVER (ORDER BY ts) AS rn FROM tx) WHERE rn = 2""",
        "card STRING, s INT",
        {"tx": [tx(1, "a", n=1), tx(2, "b", n=2), tx(3, "c", n=4)]},
    )
    assert rows == [{"card": "b", "s": 3}]
    first = (
        "SELECT card FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY ts) AS rn FROM tx) WHERE rn = 1"
    )
    assert out(first, "card STRING", {"tx": [tx(2, "b"), tx(1, "a")]}) == [{"card": "a"}]


def test_a_late_row_changes_a_window_that_was_given():
    rows = run(
        query_plan(
            """SELECT card, window_start, window_end, SUM(n)
            FROM TABLE(TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '10' SECOND))
            GROUP BY card, window_start, window_end""",
            "card STRING, s TIMESTAMP(3), e TIMESTAMP(3), n INT, "
            "PRIMARY KEY (card, s, e) NOT ENFORCED",
            tables=f"SET 'table.exec.emit.allow-lateness' = '1 min';{TABLES}",
        ),
        [{"tx": [tx(1, n=1)]}, {"tx": [tx(40, n=2)]}, {"tx": [tx(5, n=4)]}],
    )["o"]
    assert [row["n"] for row in rows] == [1, 5, 2]
    assert sorted(each["n"] for each in replaced(rows, "card", "s", "e").values()) == [2, 5]
