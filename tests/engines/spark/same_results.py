# ruff: noqa: E501 - queries are easier to read in one line
"""Small programs of PySpark, run one after another; what each one finds is JSON.

Takes a folder, where it leaves `found.json`, and the names of programs (none: all). What Apache
Spark 4.2 finds is kept in `same_results.json`.
"""

import datetime
import decimal
import json
import sys
from pathlib import Path

import pandas as pd
from pyspark.sql import Row, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

spark = SparkSession.builder.appName("programs").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
FOLDER = sys.argv[1]
PROGRAMS = {}


def program(function):
    """Registers a function that gives a frame (its rows are compared in any order) or values."""
    PROGRAMS[function.__name__] = function
    return function


def query(name, text, rows_in_order=False):
    """Registers a query."""

    def ask():
        frame = spark.sql(text)
        return [tuple(row) for row in frame.collect()] if rows_in_order else frame

    PROGRAMS[name] = ask


def plain(value):
    """A value as JSON that tells apart what Python would call equal."""
    if isinstance(value, Row):
        names = getattr(value, "__fields__", None) or range(len(value))
        return {str(name): plain(one) for name, one in zip(names, value, strict=True)}
    if isinstance(value, dict):
        return sorted(([plain(key), plain(one)] for key, one in value.items()), key=repr)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (bytes, bytearray)):
        return f"bytes {bytes(value).hex()}"
    if isinstance(value, float):
        return f"float {float(f'{value:.12g}')}"
    if isinstance(value, decimal.Decimal):
        return f"decimal {value}"
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return f"{type(value).__name__} {value}"
    return value


def outcome(function):
    """What a program finds, or that it fails."""
    try:
        found = function()
        if hasattr(found, "collect"):
            columns = [f"{field.name} {field.dataType.simpleString()}" for field in found.schema]
            rows = [[plain(value) for value in row] for row in found.collect()]
            return {"columns": columns, "rows": sorted(rows, key=repr)}
        return {"values": plain(found)}
    except Exception as error:
        sys.stderr.write(f"{function.__name__}: {str(error)[:300]}\n")
        return {"fails": True}


def people():
    return spark.createDataFrame(
        [
            (1, "Ann", "x", 10.5, datetime.date(2024, 1, 31)),
            (2, "bob", "x", None, datetime.date(2024, 2, 29)),
            (3, None, "y", 7.25, None),
            (4, "Åsa", None, float("nan"), datetime.date(1969, 12, 31)),
            (5, "bob", "y", -0.0, datetime.date(2024, 2, 1)),
            (6, "Ann", "x", 10.5, datetime.date(2023, 3, 1)),
        ],
        "id int, name string, team string, score double, day date",
    )


def left():
    return spark.createDataFrame([(1, "a"), (2, "b"), (None, "n"), (2, "c")], "k int, l string")


def right():
    return spark.createDataFrame([(2, "B"), (3, "C"), (None, "N"), (2, "BB")], "k int, r string")


@program
def window_ranks():
    by_team = Window.partitionBy("team").orderBy(F.col("score").desc_nulls_last(), "id")
    return people().select(
        "id",
        F.row_number().over(by_team).alias("number"),
        F.rank().over(Window.partitionBy("team").orderBy("score")).alias("rank"),
        F.dense_rank().over(Window.orderBy("name")).alias("dense"),
        F.percent_rank().over(Window.orderBy("id")).alias("percent"),
        F.cume_dist().over(Window.orderBy("name")).alias("cume"),
        F.ntile(4).over(Window.orderBy("id")).alias("tile"),
        F.lag("id", 1, -1).over(by_team).alias("lag"),
        F.lead("name").over(by_team).alias("lead"),
    )


@program
def window_frames():
    by_id = Window.orderBy("id")
    return people().select(
        "id",
        F.sum("id").over(by_id).alias("running"),
        F.sum("id").over(by_id.rowsBetween(-1, 1)).alias("rows"),
        F.avg("id").over(by_id.rangeBetween(-2, 0)).alias("ranged"),
        F.first("name", ignorenulls=True).over(by_id).alias("first"),
        F.last("name").over(by_id).alias("last"),
        F.collect_list("name").over(by_id.rowsBetween(-2, 0)).alias("names"),
        F.count("score").over(Window.partitionBy("team")).alias("counted"),
        F.max("day").over(Window.partitionBy("team")).alias("latest"),
    )


for how in ("inner", "left", "right", "full", "leftsemi", "leftanti", "cross"):

    def joined(how=how):
        if how == "cross":
            return left().crossJoin(right().withColumnRenamed("k", "k2"))
        return left().join(right(), "k", how)

    PROGRAMS[f"join_{how}"] = joined


@program
def join_null_safe():
    one, two = left(), right()
    return one.join(two, one.k.eqNullSafe(two.k), "full").select(one.k, "l", "r")


@program
def join_nan_keys():
    one = spark.createDataFrame([(float("nan"), 1), (0.0, 2), (1.0, 3)], "k double, a int")
    two = spark.createDataFrame([(float("nan"), 4), (-0.0, 5)], "k double, b int")
    return one.join(two, "k").select("a", "b")


query(
    "join_by_sql",
    """SELECT a.k, b.r FROM VALUES (1), (2), (NULL) AS a(k)
       LEFT JOIN VALUES (2, 'x'), (NULL, 'y') AS b(k, r) ON a.k = b.k AND b.r <> 'y'""",
)
query(
    "not_in_with_null",
    "SELECT * FROM VALUES (1), (2) AS a(k) WHERE k NOT IN (SELECT * FROM VALUES (1), (NULL))",
)
query(
    "subqueries",
    """SELECT k, (SELECT max(v) FROM VALUES (1, 5), (1, 7), (2, 3) AS b(k, v) WHERE b.k = a.k) AS m
       FROM VALUES (1), (2), (3) AS a(k)
       WHERE EXISTS (SELECT 1 FROM VALUES (1), (3) AS c(k) WHERE c.k = a.k)""",
)


@program
def pivoted():
    return people().groupBy("team").pivot("name", ["Ann", "bob"]).agg(F.count("id"), F.sum("score"))


@program
def pivoted_without_values():
    return people().filter("name is not null").groupBy("team").pivot("name").sum("id")


@program
def unpivoted():
    wide = spark.createDataFrame([(1, 2, None), (2, 3, 4)], "id int, a int, b int")
    return wide.unpivot("id", ["a", "b"], "what", "value")


@program
def exploded():
    lists = spark.createDataFrame(
        [(1, ["a", "b"], {"k": 1}), (2, [], {}), (3, None, None), (4, [None], {"z": None})],
        "id int, items array<string>, pairs map<string,int>",
    )
    return lists.select("id", F.explode_outer("items").alias("item"), "pairs").select(
        "id", "item", F.explode("pairs")
    )


@program
def exploded_with_positions():
    lists = spark.createDataFrame([(1, ["a", "b"]), (2, [])], "id int, items array<string>")
    return lists.select("id", F.posexplode_outer("items"))


query(
    "lateral_views",
    """SELECT id, item, n FROM VALUES (1, array('a', 'b')), (2, array()) AS t(id, items)
       LATERAL VIEW OUTER explode(items) i AS item LATERAL VIEW posexplode(array(7)) p AS at, n""",
)
query(
    "arrays",
    """SELECT sort_array(array(3, NULL, 1)), array_distinct(array(1, NULL, 1, NULL)),
       array_position(array('a', 'b'), 'b'), element_at(array(1, 2), -1), slice(array(1,2,3), 2, 5),
       array_contains(array(1, NULL), 2), flatten(array(array(1), array(2, NULL))),
       size(cast(NULL AS ARRAY<INT>)), size(array()), array_join(array('a', NULL, 'c'), '-'),
       array_except(array(1, 2), array(1)), arrays_overlap(array(1, NULL), array(2)),
       array_max(array(1.5, NULL)), array_repeat('x', 2), sequence(1, 7, 3), shuffle(array(1))""",
)
query(
    "higher_order_functions",
    """SELECT transform(array(1, 2, NULL), x -> x + 1), filter(array(1, 2, 3), (x, i) -> i > 0),
       aggregate(array(1, 2, 3), 0, (a, x) -> a + x, a -> a * 10), exists(array(1, NULL), x -> x = 2),
       forall(array(1, 2), x -> x > 0),
       array_sort(array(3, 1, 2))""",
)
query(
    "maps_and_structs",
    """SELECT map('a', 1)['b'], map_keys(map('a', 1)), map_from_arrays(array('x'), array(2)),
       named_struct('a', 1, 'b', 'x').b, str_to_map('a:1,b:2'), map_concat(map('a', 1), map('b', 2)),
       map_entries(map('k', 'v')), struct(1, 'x')""",
)
query(
    "json_functions",
    """SELECT get_json_object('{"a": {"b": [1, "x"]}}', '$.a.b[1]'),
       get_json_object('{"a": 1.50}', '$.a'), get_json_object('{"a": {"b":1}}', '$.a'),
       get_json_object('nothing', '$.a'), get_json_object('{"a": null}', '$.a'),
       from_json('{"a": 1, "b": "x", "c": [1]}', 'a INT, b STRING, c ARRAY<INT>, d DOUBLE'),
       from_json('{"a": "text"}', 'a INT'), from_json('{broken', 'a INT'),
       to_json(named_struct('a', 1, 'b', NULL, 'c', array(1.5), 'd', date'2024-01-31')),
       to_json(map('k', timestamp'2024-01-31 01:02:03')), json_array_length('[1, 2]'),
       json_object_keys('{"a": 1, "b": 2}'), schema_of_json('{"a": 1, "b": [1.5]}')""",
)
query(
    "json_tuples",
    """SELECT x, y FROM VALUES ('{"a": 1, "b": "z"}'), ('{}') AS t(j)
       LATERAL VIEW json_tuple(j, 'a', 'b') u AS x, y""",
)
query(
    "dates",
    """SELECT add_months(date'2024-01-31', 1), last_day(date'2023-02-01'),
       months_between(date'2024-03-31', date'2024-02-29'), months_between('2024-03-15', '2024-02-29'),
       datediff(date'2024-03-01', date'2024-02-28'), date_add(date'2024-02-28', 2),
       next_day(date'2024-02-28', 'MON'), trunc(date'2024-05-17', 'quarter'),
       trunc(date'2024-05-17', 'week'), dayofweek(date'2024-02-28'), weekday(date'2024-02-28'),
       weekofyear(date'2021-01-03'), quarter(date'2024-05-17'), dayofyear(date'2024-12-31'),
       date_format(date'2024-02-05', 'EEE, d MMM yyyy'), date_format(date'2024-02-05', 'yyyy-MM-dd D'),
       to_date('05/02/2024', 'dd/MM/yyyy'), make_date(2024, 2, 29),
       date'2024-03-31' - INTERVAL 1 MONTH, date'2024-03-31' - date'2024-03-01'""",
)
query(
    "timestamps",
    """SELECT timestamp'2024-02-29 12:34:56.789' + INTERVAL 1 DAY,
       date_trunc('hour', timestamp'2024-02-29 12:34:56.789'), hour(timestamp'2024-02-29 12:34:56'),
       second(timestamp'2024-02-29 12:34:56'), unix_timestamp('2024-02-29 00:00:00'),
       from_unixtime(0), from_unixtime(86399, 'HH:mm'), to_timestamp('2024-02-29T12:34:56Z'),
       to_timestamp('29.02.2024 7:05', 'dd.MM.yyyy H:mm'), timestamp_seconds(1.5), timestamp_millis(-1),
       date_format(timestamp'2024-02-29 15:04:05.006', 'yyyy/MM/dd hh:mm:ss.SSS a'),
       cast(timestamp'2024-02-29 12:34:56' AS STRING), cast('2024-02-29 1:2:3' AS TIMESTAMP),
       cast(timestamp'1969-12-31 23:59:59.5' AS BIGINT), cast(0 AS TIMESTAMP),
       timestamp'2024-02-29 12:00:00' - timestamp'2024-02-28 11:00:00',
       cast(timestamp'2024-02-29 12:34:56' AS DATE), timestampdiff(HOUR, timestamp'2024-01-01', timestamp'2024-01-02')""",
)


@program
def time_zones():
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        found = spark.sql(
            """SELECT cast(timestamp'2024-03-10 01:30:00' + INTERVAL 1 HOUR AS STRING),
               from_utc_timestamp('2024-07-01 12:00:00', 'Europe/Berlin') AS berlin,
               to_utc_timestamp('2024-01-01 12:00:00', 'Asia/Tokyo') AS tokyo,
               cast(cast('2024-07-01 00:30:00Z' AS TIMESTAMP) AS DATE), from_unixtime(0),
               unix_timestamp('2024-07-01 00:00:00'), hour(cast('2024-07-01 12:00:00Z' AS TIMESTAMP)),
               date_format(cast('2024-11-03 05:30:00Z' AS TIMESTAMP), 'yyyy-MM-dd HH:mm XXX'),
               date_trunc('day', cast('2024-07-01 02:00:00Z' AS TIMESTAMP)), to_timestamp('2024-07-01 00:00:00'),
               cast(date'2024-07-01' AS TIMESTAMP), current_timezone(),
               convert_timezone('UTC', 'Asia/Tokyo', timestamp_ntz'2024-01-01 00:00:00')"""
        )
        texts = [f"cast(`{name}` AS STRING)" for name in found.toDF(*map(str, range(13))).columns]
        return list(found.toDF(*map(str, range(13))).selectExpr(*texts).first())
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


query(
    "decimals",
    """SELECT 1.1 + 2.22 AS a, 1.50 * 2.000 AS b, 10 / 4 AS c, 1.0 / 3 AS d, 7 DIV 2 AS e,
       cast(2.345 AS DECIMAL(4, 2)) AS f, cast(-2.345 AS DECIMAL(4, 2)) AS g, round(2.5) AS h,
       round(-2.5) AS i, bround(2.5) AS j, round(1234.567, -2) AS k, round(2.675, 2) AS l,
       cast(1e-7 AS DECIMAL(10, 8)) AS m, 1.0 % 0.3 AS n, -7 % 3 AS o, pmod(-7, 3) AS p,
       ceil(-1.5) AS q, floor(-1.5) AS r, ceil(1.2345, 2) AS s, cast('1.005' AS DECIMAL(10,2)) AS t,
       cast(12345678901234567890.1234567890 AS DECIMAL(38, 10)) * 2 AS u,
       avg(x) AS v, sum(x) AS w FROM VALUES (1.10), (2.25) AS t(x)""",
)
query("functions_of_two_lambdas", "SELECT zip_with(array(1), array(2, 3), (x, y) -> x + y)")
query("functions_of_maps", "SELECT transform_values(map('a', 1), (k, v) -> v * 2)")
query("like_any", "SELECT 'x' LIKE ANY ('y', 'x')")
query("year_month_interval", "SELECT INTERVAL '1-2' YEAR TO MONTH")
query("hash_of_an_array", "SELECT hash(array(1, 2))")
query("pattern_that_looks_behind", "SELECT regexp_replace('aaa', '(?<=a)a', 'b')")
query("hash_of_null", "SELECT hash('a', NULL), hash(NULL)")
query("intersect_all", "SELECT * FROM VALUES (1), (1) INTERSECT ALL SELECT * FROM VALUES (1)")
query("decimal_overflow", "SELECT cast(12345.67 AS DECIMAL(5, 2))")
query(
    "decimal_overflow_of_a_product",
    "SELECT cast('99999999999999999999999999999999999999' AS DECIMAL(38, 0)) * 10",
)
query("integer_overflow", "SELECT 2147483647 + 1")
query("long_overflow", "SELECT 9223372036854775807 + cast(1 AS BIGINT)")
query("overflow_of_a_sum", "SELECT sum(x) FROM VALUES (9223372036854775807), (1) AS t(x)")
query("cast_too_large", "SELECT cast(300 AS TINYINT)")
query("division_by_zero", "SELECT 1 / 0")
query("remainder_of_zero", "SELECT 1 % 0")
query("division_by_zero_in_columns", "SELECT 1 / x FROM VALUES (0) AS t(x)")
query("float_division_by_zero", "SELECT cast(1 AS DOUBLE) / cast(0 AS DOUBLE)")
query("cast_of_text", "SELECT cast('abc' AS INT)")
query("cast_of_a_bad_date", "SELECT cast('2024-02-30' AS DATE)")
query("cast_of_bad_boolean", "SELECT cast('maybe' AS BOOLEAN)")
query("element_out_of_bounds", "SELECT array(1, 2)[5]")
query("element_at_out_of_bounds", "SELECT element_at(array(1, 2), 5)")
query("bad_to_date", "SELECT to_date('2024-13-01', 'yyyy-MM-dd')")
query("text_compared_with_numbers", "SELECT '10' = 10, '2' > 10, 1 < '3'")
query("text_that_is_no_number_compared", "SELECT 'abc' = 10")
query(
    "tries",
    """SELECT try_cast('abc' AS INT), try_divide(1, 0), try_add(2147483647, 1), try_element_at(array(1), 3),
       try_to_number('$1', '999'), try_to_timestamp('nonsense'), nullif(1, 1), nvl(NULL, 2),
       coalesce(NULL, 'x'), nvl2(NULL, 1, 2), if(NULL, 1, 2)""",
)
query(
    "casts",
    """SELECT cast(' 12 ' AS INT), cast('1e3' AS DOUBLE), cast(1.9 AS INT), cast(-1.9 AS INT), cast(true AS INT),
       cast('t' AS BOOLEAN), cast('no' AS BOOLEAN), cast(1.0 AS STRING), cast(1e20 AS STRING),
       cast(cast(1.0 AS DOUBLE) AS STRING), cast(cast(1e-5 AS DOUBLE) AS STRING),
       cast(cast(100000000.0 AS DOUBLE) AS STRING), cast(cast(0.1 AS FLOAT) AS DOUBLE),
       cast(cast('NaN' AS DOUBLE) AS STRING), cast(array(1, NULL) AS STRING), cast(map('a', 1) AS STRING),
       cast(named_struct('a', 1, 'b', NULL) AS STRING), cast('abc' AS BINARY), cast('2024-2-3' AS DATE),
       cast(true AS STRING), cast(cast(12.50 AS DECIMAL(10, 2)) AS STRING), cast(INTERVAL 1 DAY AS STRING)""",
)
query(
    "strings",
    """SELECT substring('Spark', 2, 3), substring('Spark', -3), substring('Spark', 0, 2), substr('é€𝄞x', 2, 2),
       length('é€𝄞'), octet_length('é'), upper('straße'), initcap('hello wORLD foo-bar'), lpad('7', 3, '0'), rpad('abc', 2, '-'),
       trim('  x '), ltrim('xxabx', 'x'), trim(BOTH 'x' FROM 'xax'), instr('banana', 'an'), locate('a', 'banana', 3),
       concat('a', NULL), concat_ws('-', 'a', NULL, 'b'), reverse('abc'), repeat('ab', 2), translate('abc', 'ab', 'x'),
       split('a1b2c', '[0-9]'), split('a,b,,', ','), split_part('a.b.c', '.', -1), substring_index('a.b.c', '.', 2),
       ascii('é'), chr(233), format_number(1234567.891, 2), format_string('%05d|%.2f|%s', 42, 1.5D, 'x'),
       soundex('Robert'), levenshtein('kitten', 'sitting'), left('abc', 2), right('abc', 5), overlay('abcdef' PLACING 'X' FROM 3),
       'a' || 1 || NULL, startswith('abc', 'ab'), contains('abc', 'd'), char_length('ab '), btrim(' a '), find_in_set('b', 'a,b'),
       sentences('Hi there. You!'), elt(2, 'a', 'b'), space(2), base64('abc'), unbase64('YWJj'), hex('abc'), hex(255), unhex('FF')""",
)
query(
    "hashes",
    """SELECT md5('a'), sha1('a'), sha2('a', 256), crc32('a'), hash('a'), hash(1), hash(1L), hash('a', 1),
       xxhash64('a'), xxhash64(1, 2.5), hash(1.5), hash(date'2024-01-01')""",
)
query(
    "patterns",
    r"""SELECT regexp_replace('a1b22', '[0-9]+', '#'), regexp_replace('John Smith', '(\\w+) (\\w+)', '$2 $1'),
       regexp_extract('k=v;x=y', '(\\w)=(\\w)', 2), regexp_extract('abc', 'z(.)', 1),
       regexp_extract_all('a1b2', '([a-z])([0-9])', 2), 'abc' RLIKE '^a.c$', 'abc' RLIKE 'B', 'abc' RLIKE '(?i)B',
       'a_c' LIKE 'a\\_c', 'abc' LIKE 'a\\_c', 'ABC' ILIKE 'a%', 'a\nb' LIKE 'a%b', regexp_count('banana', 'an'),
       regexp_substr('abc123', '[0-9]+'), regexp_instr('abc123', '[0-9]'), regexp_like('x', 'x|y'),
       split('a|b', '\\|')""",
)
query(
    "nulls_first_ascending",
    "SELECT * FROM VALUES (2, 'b'), (NULL, 'n'), (1, 'a') AS t(a, b) ORDER BY a",
    rows_in_order=True,
)
query(
    "nulls_last_descending",
    "SELECT * FROM VALUES (2, 'b'), (NULL, 'n'), (1, 'a') AS t(a, b) ORDER BY a DESC",
    rows_in_order=True,
)
query(
    "order_of_texts_and_nans",
    """SELECT * FROM VALUES ('b', 1D), ('B', double('NaN')), ('', -0.0D), (NULL, NULL), ('é', double('inf')) AS t(a, b)
       ORDER BY b DESC NULLS FIRST, a""",
    rows_in_order=True,
)


@program
def order_by_columns():
    ordered = people().orderBy(F.desc("team"), F.asc_nulls_last("score"), "id")
    return [row.id for row in ordered.collect()]


@program
def sets():
    one = spark.createDataFrame([(1, None), (1, None), (2, "b"), (3, "c")], "a int, b string")
    two = spark.createDataFrame([(1, None), (3, "c"), (3, "c")], "a int, b string")
    return [
        sorted(map(repr, frame.collect()))
        for frame in (
            one.distinct(),
            one.union(two).dropDuplicates(["a"]).select("a"),
            one.intersect(two),
            one.intersectAll(two),
            one.subtract(two),
            one.exceptAll(two),
            one.unionByName(two.select("b", "a")),
            one.dropna(),
            one.fillna("?"),
        )
    ]


@program
def union_by_name_with_missing_columns():
    one = spark.createDataFrame([(1, "a")], "a int, b string")
    return one.unionByName(
        spark.createDataFrame([(2.5, 1)], "a double, c int"), allowMissingColumns=True
    )


@program
def rolled_up():
    return people().rollup("team", "name").agg(F.count("*"), F.grouping_id(), F.sum("id"))


@program
def cubed():
    return people().cube("team", "name").agg(F.grouping("team"), F.grouping("name"), F.max("id"))


query(
    "grouping_sets",
    """SELECT a, b, sum(c), grouping_id(a, b) FROM VALUES ('x', 1, 10), ('x', NULL, 5), ('y', 1, 1) AS t(a, b, c)
       GROUP BY GROUPING SETS ((a, b), (a), ()) HAVING sum(c) > 0""",
)


@program
def aggregates():
    return (
        people()
        .groupBy("team")
        .agg(
            F.count("*").alias("n"),
            F.count("score"),
            F.countDistinct("name"),
            F.sum("score"),
            F.avg("score"),
            F.min("score"),
            F.max("score"),
            F.min("name"),
            F.stddev("id"),
            F.var_pop("id"),
            F.skewness("id"),
            F.kurtosis("id"),
            F.sort_array(F.collect_set("name")),
            F.sum_distinct("id"),
            F.percentile_approx("id", 0.5),
            F.expr("percentile(id, 0.25)"),
            F.expr("count_if(id > 2)"),
            F.expr("max_by(name, id)"),
            F.expr("bool_or(id > 4)"),
            F.expr("mode(team)"),
            F.median("id"),
            F.expr("count(DISTINCT name, team)"),
            F.expr("sum(id) FILTER (WHERE id > 1)"),
            F.bit_xor("id"),
        )
    )


@program
def aggregates_of_nothing():
    return (
        people()
        .filter("id > 100")
        .agg(
            F.count("*"),
            F.sum("id"),
            F.max("name"),
            F.collect_list("id"),
            F.avg("score"),
            F.stddev("id"),
        )
    )


query(
    "group_by_position_and_alias",
    "SELECT upper(a) u, count(*) FROM VALUES ('x'), ('X') t(a) GROUP BY u ORDER BY 1",
)
query(
    "grouping_nans_and_zeros",
    "SELECT x, count(*) FROM VALUES (double('NaN')), (double('NaN')), (0.0D), (-0.0D) t(x) GROUP BY x",
)


@program
def functions_in_python():
    double = F.udf(lambda x: None if x is None else x * 2, T.LongType())
    mistyped = F.udf(lambda x: x, T.StringType())
    parts = F.udf(lambda x: {"a": x, "b": [x]}, "struct<a:int,b:array<int>>")
    return people().select(
        "id", double("id"), mistyped("id"), parts("id"), F.udf(lambda d: d and d.year, "int")("day")
    )


@program
def functions_on_series():
    @F.pandas_udf("double")
    def plus(values: pd.Series) -> pd.Series:
        return values + 1

    @F.pandas_udf("double")
    def mean(values: pd.Series) -> float:
        return float(values.mean())

    return people().withColumn("plus", plus("score")).groupBy("team").agg(mean("plus"))


@program
def functions_on_groups():
    def largest(group):
        return group.sort_values("id").tail(1)[["id", "team"]]

    return people().groupBy("team").applyInPandas(largest, "id int, team string")


@program
def functions_on_batches():
    def doubled(batches):
        for batch in batches:
            yield batch.assign(id=batch.id * 2)[["id"]]

    return people().mapInPandas(doubled, "id long")


@program
def functions_in_queries():
    spark.udf.register("shout", lambda text: text and text.upper() + "!", "string")
    people().createOrReplaceTempView("people")
    return spark.sql("SELECT id, shout(name) FROM people WHERE shout(name) IS NOT NULL")


def file_of(name, text):
    spark.createDataFrame([(line,) for line in text.split("\n")], "value string").coalesce(
        1
    ).write.mode("overwrite").text(f"{FOLDER}/{name}")
    return f"{FOLDER}/{name}"


@program
def csv_with_a_header():
    path = file_of(
        "csv", 'id,name,price,day\n1,"a, ""b""",1.50,2024-01-31\n2,,,\n3," x ",-0.5,2024-02-29'
    )
    return spark.read.csv(path, header=True)


@program
def csv_with_inferred_types():
    path = file_of(
        "csv2", "i,l,d,b,t,s\n1,3000000000,1.5,true,2024-01-31,a\n2,1,2,false,2024-02-29,b"
    )
    return spark.read.csv(path, header=True, inferSchema=True)


@program
def csv_with_a_schema_and_options():
    path = file_of("csv3", "# made up\n1;NA;2024-01-31\n2;x;2024-02-29")
    return spark.read.csv(
        path,
        schema="id int, name string, day date",
        sep=";",
        nullValue="NA",
        comment="#",
    )


@program
def csv_with_dates_of_another_format():
    path = file_of("csv6", "1,31/01/2024")
    return spark.read.csv(path, schema="id int, day date", dateFormat="dd/MM/yyyy")


@program
def csv_with_values_of_another_type():
    return spark.read.csv(file_of("csv4", "1,a\nx,b\n3"), schema="id int, name string")


@program
def csv_written():
    frame = spark.createDataFrame(
        [
            (1, 'q"u,o', None, 1.5, datetime.datetime(2024, 1, 31, 1, 2, 3)),
            (2, "", "x\ty", 1e10, None),
        ],
        "a int, b string, c string, d double, e timestamp",
    )
    frame.coalesce(1).write.mode("overwrite").csv(f"{FOLDER}/csv5", header=True)
    return spark.read.text(f"{FOLDER}/csv5")


@program
def json_lines():
    path = file_of(
        "json",
        '{"a": 1, "b": "x", "c": {"d": [1.5]}}\n{"a": null, "b": "2024-01-31", "e": true}\n{"a": 3000000000}',
    )
    return spark.read.json(path)


@program
def json_with_a_schema():
    path = file_of(
        "json2", '{"A": 1, "t": "2024-01-31T01:02:03Z", "n": "12"}\n{"A": 2, "extra": 1}'
    )
    return spark.read.schema("A int, t timestamp, n string").json(path)


@program
def json_broken():
    return spark.read.schema("a int").json(file_of("json3", '{"a": 1}\n{broken\n{"a": "x"}'))


@program
def json_written():
    frame = spark.createDataFrame(
        [Row(a=1, b=None, c=[1, None], d=Row(e='é"')), Row(a=2, b="x", c=None, d=None)],
        "a int, b string, c array<int>, d struct<e:string>",
    )
    frame.coalesce(1).write.mode("overwrite").json(f"{FOLDER}/json4")
    return spark.read.text(f"{FOLDER}/json4")


@program
def parquet_kept():
    frame = (
        people()
        .withColumn("d", F.expr("cast(1.50 as decimal(10,2))"))
        .withColumn("t", F.expr("timestamp'2024-01-31 01:02:03.000456'"))
        .withColumn("m", F.expr("map('k', array(id))"))
    )
    frame.write.mode("overwrite").parquet(f"{FOLDER}/parquet")
    return spark.read.parquet(f"{FOLDER}/parquet")


@program
def parquet_in_partitions():
    people().select("id", "team", F.col("id").alias("n")).write.mode("overwrite").partitionBy(
        "team", "n"
    ).parquet(f"{FOLDER}/partitions")
    return spark.read.parquet(f"{FOLDER}/partitions").select("id", "team", "n")


@program
def parquet_with_merged_schemas():
    spark.createDataFrame([(1, "a")], "a int, b string").write.mode("overwrite").parquet(
        f"{FOLDER}/merged/p=1"
    )
    spark.createDataFrame([(2, 1.5)], "a int, c double").write.mode("overwrite").parquet(
        f"{FOLDER}/merged/p=2"
    )
    return (
        spark.read.option("mergeSchema", "true").parquet(f"{FOLDER}/merged").select("a", "b", "c")
    )


@program
def parquet_read_by_another_schema():
    spark.createDataFrame([(1, "a")], "A int, b string").write.mode("overwrite").parquet(
        f"{FOLDER}/other"
    )
    return spark.read.schema("b string, a long, z int").parquet(f"{FOLDER}/other")


@program
def text_read():
    return spark.read.text(file_of("text", "one\n\n two "))


@program
def names_in_any_case():
    frame = spark.createDataFrame([(1, "x")], "Id int, Name string")
    return [
        frame.select("ID", F.col("name")).columns,
        frame.filter("iD = 1").count(),
        frame.drop("NAME").columns,
        frame.withColumn("ID", F.lit(2)).columns,
        frame.withColumnRenamed("id", "key").columns,
        frame.groupBy("NAME").count().columns,
        frame.selectExpr("*", "ID + 1 AS more").columns,
        [row["more"] for row in frame.selectExpr("ID + 1 AS more").collect()],
        frame.join(frame.withColumnRenamed("Name", "other"), "id").columns,
        frame.dropDuplicates(["NAME"]).count(),
        frame.orderBy("ID").columns,
    ]


@program
def a_name_in_two_cases():
    return spark.createDataFrame([(1, 2)], "a int, A int").select("a")


@program
def columns_named_by_spark():
    return spark.sql(
        "SELECT 1 + 1, upper('x'), count(*), sum(1.0), CASE WHEN true THEN 1 END, cast(1 AS STRING), 'x' = 'y'"
    ).columns


@program
def changed_columns():
    return people().select(
        "id",
        F.when(F.col("score") > 8, "high")
        .when(F.col("score").isNull(), "none")
        .otherwise("low")
        .alias("a"),
        F.col("name").isin("Ann", None).alias("b"),
        F.greatest("id", F.lit(3)).alias("c"),
        F.least("score", F.lit(8.0)).alias("d"),
        F.col("id").between(2, 4).alias("e"),
        F.isnan("score").alias("f"),
        F.nanvl("score", F.lit(0.0)).alias("g"),
        (F.col("score") > F.lit(100)).alias("h"),
        F.col("id").bitwiseAND(3).alias("i"),
        F.expr("name <=> NULL").alias("j"),
        (F.col("id") / 2).alias("k"),
        (F.col("id") % 4).alias("l"),
        F.col("name").substr(1, 1).alias("m"),
    )


@program
def replaced_and_described():
    frame = (
        people().select("id", "name", "score").na.replace({"Ann": "Anne"}).na.fill({"score": 0.0})
    )
    return [
        sorted(map(repr, frame.collect())),
        [tuple(r) for r in people().select("id", "name").describe().collect()],
    ]


query(
    "mathematics",
    """SELECT sqrt(2), pow(2, 10), exp(1), ln(10), log(2, 8), log10(1000), sign(-3.5), abs(-7), factorial(5),
    cbrt(27), hypot(3, 4), degrees(pi()), sin(1), atan2(1, 2), bin(10), conv('ff', 16, 10), shiftleft(1, 3), rint(2.5),
    ln(0), sqrt(-1), greatest(1, NULL, 3), width_bucket(5, 0, 10, 5), 5 & 3, ~5, bit_count(7), e(), positive(1), negative(2)""",
)
query(
    "intervals",
    """SELECT date'2024-01-31' + INTERVAL '1-2' YEAR TO MONTH AS a, INTERVAL '3 04:05:06' DAY TO SECOND AS b,
    date'2024-01-31' + INTERVAL 1 MONTH AS c, make_interval(0, 1, 0, 2) + timestamp'2024-01-31 00:00:00' AS d,
    extract(DAY FROM INTERVAL 5 DAYS) AS e, INTERVAL 2 HOURS * 3 AS f""",
)
query(
    "values_of_types",
    "SELECT 1Y, 2S, 3L, 1.5F, 2.5D, 1.5BD, X'1F', 1e3, 10000000000, 'a' 'b', NULL, date'2024-01-01', true",
)
query(
    "recursion_of_names",
    "WITH a AS (SELECT 1 x), b AS (SELECT x + 1 x FROM a) SELECT * FROM a UNION ALL SELECT * FROM b UNION SELECT 2",
)
query(
    "limits",
    "SELECT * FROM VALUES (1), (2), (3), (4) t(x) ORDER BY x LIMIT 2 OFFSET 1",
    rows_in_order=True,
)
query(
    "qualify_by_window",
    "SELECT x FROM (SELECT x, row_number() OVER (PARTITION BY x % 2 ORDER BY x DESC) n FROM VALUES (1), (2), (3), (NULL) t(x)) WHERE n = 1",
)
query(
    "tables_of_functions",
    "SELECT * FROM range(1, 10, 3) UNION ALL SELECT col FROM (SELECT explode(array(100L)) col) UNION ALL SELECT a FROM (SELECT stack(2, 5L, 6L) AS (a))",
)
query(
    "conditions_with_nulls",
    "SELECT NULL AND false, NULL OR true, NOT NULL, NULL = NULL, NULL <=> NULL, 1 IN (NULL, 2), 1 NOT IN (NULL, 2), CASE NULL WHEN NULL THEN 1 ELSE 2 END",
)


@program
def to_pandas():
    frame = people().orderBy("id").toPandas()
    return [str(frame.dtypes.to_dict()), repr(frame.values.tolist())]


@program
def from_pandas():
    made = pd.DataFrame(
        {
            "a": [1, 2],
            "b": ["x", None],
            "c": [1.5, None],
            "d": pd.to_datetime(["2024-01-31 01:02:03", None]),
        }
    )
    return spark.createDataFrame(made)


@program
def inferred_from_rows():
    return spark.createDataFrame(
        [
            Row(
                a=1,
                b="x",
                c=[1.5],
                d={"k": 1},
                e=datetime.date(2024, 1, 31),
                f=decimal.Decimal("1.5"),
                g=None,
                h=True,
            )
        ],
        "a long, b string, c array<double>, d map<string,long>, e date, f decimal(38,18), g string, h boolean",
    )


chosen = sys.argv[2:] or PROGRAMS
found = (f"{json.dumps(name)}: {json.dumps(outcome(PROGRAMS[name]))}" for name in chosen)
Path(FOLDER, "found.json").write_text("{" + ",\n".join(found) + "}\n")
spark.stop()
