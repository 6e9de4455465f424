"""Programs of PySpark find the same on every runtime of Spark, but for what is known to differ."""

import json
from pathlib import Path

import pytest

from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.spark import ApacheSpark
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.interface import Node, Order, Size

PROGRAMS = Path(__file__).with_name("same_results.py")
RECORDED = json.loads(PROGRAMS.with_suffix(".json").read_text("utf-8"))
RELEASES = Path(__file__).resolve().parents[3] / "build" / "releases"

DIFFERENT_ON_SAIL = {
    "window_frames": "collect_list over a window keeps NULL",
    "arrays": "array_contains without a match is false, where Spark says NULL beside a NULL",
    "json_functions": "numbers as they are written; timestamps with six decimals",
    "dates": "a date less a date is a number of days",
    "timestamps": "timestamp_seconds drops fractions; casts to numbers round towards zero",
    "decimals": "bround of a decimal; the scale of some quotients and products",
    "functions_of_two_lambdas": "zip_with is not there",
    "functions_of_maps": "transform_values is not there",
    "like_any": "LIKE ANY is not there",
    "hash_of_an_array": "hash of an array is not there",
    "hash_of_null": "hash of an untyped NULL is not there",
    "hashes": "hash of a decimal",
    "pattern_that_looks_behind": "patterns cannot look around",
    "intersect_all": "INTERSECT ALL keeps all of the left side",
    "integer_overflow": "integers wrap around",
    "long_overflow": "integers wrap around",
    "overflow_of_a_sum": "integers wrap around",
    "casts": "numbers without an exponent; NULL within arrays and structures",
    "strings": "initcap begins words after every sign",
    "aggregates": "percentile_approx is between values",
    "csv_with_a_header": "quotes within quotes are read as doubled",
    "csv_with_dates_of_another_format": "dateFormat is not used",
    "csv_with_values_of_another_type": "an error, where Spark makes it NULL",
    "csv_written": "quotes are doubled, empty text and NULL are alike",
    "json_broken": "an error, where Spark makes it NULL",
    "parquet_in_partitions": "partitions found in folders are text",
    "names_in_any_case": "a join by a column's name spells it so",
    "mathematics": "rint rounds half up",
}
"""What README.md tells of, by program."""

ON_APACHE = [
    "window_frames",
    "join_null_safe",
    "not_in_with_null",
    "pivoted",
    "arrays",
    "dates",
    "timestamps",
    "decimals",
    "strings",
    "sets",
    "cubed",
    "csv_with_a_header",
    "names_in_any_case",
    "from_pandas",
    "parquet_read_by_another_schema",
]
DIFFERENT_ON_3_5 = {"from_pandas", "parquet_read_by_another_schema"}
"""NaN in pandas stays NaN, and a column of another type is an error. Beside these stands what
`spark.sql.ansi.enabled` sets, which is true by default from Spark 4 on."""


def outcome(found):
    """What counts: columns' names are each engine's own when a program gives none."""
    return found.get("rows", found.get("values", "fails"))


def different(found):
    return {name for name in found if outcome(found[name]) != outcome(RECORDED[name])}


async def test_sail_finds_what_apache_spark_finds(shell):
    found = await run(shell)
    assert found.keys() == RECORDED.keys()
    assert different(found) == DIFFERENT_ON_SAIL.keys()


async def run(shell, *names):
    """What the programs of these names find, or all."""
    files = shell.folder / "home" / "files"
    files.mkdir()
    program = shell.folder / "home" / PROGRAMS.name
    program.write_bytes(PROGRAMS.read_bytes())
    code, _, err = await shell.run("spark-submit", str(program), str(files), *names)
    assert code == 0, err
    return json.loads((files / "found.json").read_text("utf-8"))


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
async def test_apache_spark_finds_what_is_recorded(version, data, marker, shell_of):
    spark = ApacheSpark(data, marker, Size(2, 3 << 30), Releases(RELEASES, "", marker), version)
    folder = data / "clusters" / "j-1"
    properties = {
        "spark.sql.ansi.enabled": "true",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    cluster = await spark.start(
        Order("j-1", folder, properties=properties, nodes=(Node("n-1", Size(2, 1 << 30)),))
    )
    found = await run(shell_of(cluster, folder), *ON_APACHE)
    await cluster.stop()
    assert different(found) == (DIFFERENT_ON_3_5 if version.name == "spark-3.5" else set())
