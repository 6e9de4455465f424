"""Types between Hive, Trino and Athena."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.athena.model.executions import ResultColumn
from millpond.services.athena.model.types import UnknownType, hive_of, result_column, trino_of

WORDS = "boolean tinyint smallint int bigint float double string binary date timestamp"
SIMPLE = st.sampled_from([*WORDS.split(), "char(3)", "varchar(20)", "decimal(10,2)"])
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)


def nested(inner):
    fields = st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3)
    return (
        inner.map(lambda item: f"array<{item}>")
        | st.tuples(SIMPLE, inner).map(lambda pair: f"map<{pair[0]},{pair[1]}>")
        | fields.map(lambda each: f"struct<{','.join(f'{name}:{kind}' for name, kind in each)}>")
    )


@given(st.recursive(SIMPLE, nested, max_leaves=8))
def test_a_hive_type_comes_back_from_trino(hive):
    assert hive_of(trino_of(hive)) == hive


@given(st.text(max_size=40) | st.text("<>(),:int array", max_size=40))
def test_any_text_is_a_type_or_refused(text):
    for read in (trino_of, hive_of):
        try:
            read(text)
        except UnknownType:
            continue


@pytest.mark.parametrize(
    ("hive", "trino"),
    [
        ("INT", "integer"),
        ("float", "real"),
        ("string", "varchar"),
        ("decimal", "decimal(10,0)"),
        ("decimal(5)", "decimal(5,0)"),
        ("timestamp", "timestamp(3)"),
        ("map<string, array<int>>", "map(varchar, array(integer))"),
        ("struct<`a b`:int,c:struct<d:date>>", 'row("a b" integer, "c" row("d" date))'),
    ],
)
def test_hive_types_in_trinos_words(hive, trino):
    assert trino_of(hive) == trino


@pytest.mark.parametrize(
    "trino",
    ["time(3)", "json", "interval day to second", "timestamp(3) with time zone", "hyperloglog"],
)
def test_what_hive_has_no_type_for_is_refused(trino):
    with pytest.raises(UnknownType):
        hive_of(trino)


def test_types_nest_to_a_bound():
    assert trino_of("array<" * 49 + "int" + ">" * 49)
    with pytest.raises(UnknownType):
        trino_of("array<" * 80 + "int" + ">" * 80)


@pytest.mark.parametrize(
    ("trino", "kind", "precision", "scale"),
    [
        ("integer", "integer", 10, 0),
        ("real", "float", 17, 0),
        ("varchar", "varchar", 2147483647, 0),
        ("varchar(7)", "varchar", 7, 0),
        ("decimal(12,3)", "decimal", 12, 3),
        ("timestamp(3)", "timestamp", 3, 0),
        ("timestamp(3) with time zone", "timestamp with time zone", 3, 0),
        ("array(integer)", "array", 0, 0),
        ('row("a" integer)', "row", 0, 0),
        ("interval day to second", "interval day to second", 0, 0),
    ],
)
def test_result_columns_are_described_as_athena_does(trino, kind, precision, scale):
    assert result_column("c", trino) == ResultColumn("c", kind, precision, scale)
