"""Text is not read with another column's values in a column's place."""

import pytest

from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model.partition_columns import refuse_other_columns


def columns(text):
    pairs = (pair.split() for pair in text.split(", "))
    return {"Columns": [{"Name": name, "Type": kind} for name, kind in pairs]}


def table(text):
    keys = [{"Name": "y", "Type": "string"}]
    names = {"DatabaseName": "shop", "Name": "sales"}
    return {**names, "StorageDescriptor": columns(text), "PartitionKeys": keys}


def partition(text):
    return {"Values": ["2"], "StorageDescriptor": columns(text)}


def test_another_column_of_another_type_is_refused_as_trino_does():
    with pytest.raises(QueryFailed) as refused:
        refuse_other_columns(
            table("id bigint, z bigint, extra double"), partition("id bigint, extra double")
        )
    assert str(refused.value) == (
        "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition "
        "schemas. The types are incompatible and cannot be coerced. The column 'z' in table "
        "'shop.sales' is declared as type 'bigint', but partition 'y=2' declared column 'extra' "
        "as type 'double'."
    )


@pytest.mark.parametrize(
    ("declared", "held"),
    [
        ("id bigint, name string", "id bigint"),
        ("id bigint", "id bigint, name string"),
        ("id bigint, v double", "id bigint, v string"),
        ("id bigint, amount bigint", "ID bigint, quantity int"),
        ("id bigint, amount string", "id bigint, quantity bigint"),
    ],
    ids=["fewer", "more", "same name", "renamed and wider", "renamed to text"],
)
def test_columns_that_follow_one_another_are_read(declared, held):
    refuse_other_columns(table(declared), partition(held))


def test_a_partition_without_columns_of_its_own_is_read():
    refuse_other_columns(table("id bigint"), {"Values": ["2"], "StorageDescriptor": {}})
