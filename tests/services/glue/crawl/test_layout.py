"""Which folders are tables, and which are partitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.crawl.layout import (
    File,
    find_tables,
    partition_names,
    partition_values,
)
from millpond.services.glue.infer.classify import infer_head
from millpond.services.glue.infer.csv import infer_csv

CONTENTS = {
    "orders": "id,amount,sold\n1,2.5,x\n2,3.5,y\n",
    "orders2": "id,amount,sold,channel\n1,2.5,x,web\n2,3.5,y,web\n",
    "customers": "customer,mail\n1,a@b\n2,c@d\n",
    "few": "id,name\n1,a\n2,b\n",
    "more": "id,name,mail\n1,a,x\n2,b,y\n",
    "json": '{"id": 1, "amount": 2.5}\n',
    "texts": "id,amount,sold\na,b,c\n",
}


def file(key, kind):
    data = CONTENTS[kind].encode()
    schema = infer_head(data, len(data))
    assert schema is not None
    return File(key, len(data), schema)


def tables(found):
    return {table.key: sorted("/".join(leaf.folders) for leaf in table.leaves) for table in found}


def find(keys, root="in/", **options):
    return find_tables(root, [file(root + key, kind) for key, kind in keys.items()], **options)


def test_files_of_a_folder_that_are_alike_are_a_table():
    found = find({"a.csv": "orders", "b.csv": "orders", "c.csv": "orders2"})
    assert tables(found) == {"in/": [""]}
    assert len(found[0].leaves[0].files) == 3


def test_files_of_a_folder_that_are_not_alike_are_a_table_each():
    found = find({"a.csv": "orders", "b.csv": "customers"})
    assert tables(found) == {"in/a.csv": [""], "in/b.csv": [""]}


def test_a_few_other_files_do_not_break_a_folder_up():
    keys = {f"{number}.csv": "orders" for number in range(8)} | {"x.json": "json"}
    (table,) = find(keys)
    assert table.key == "in/"
    assert len(table.leaves[0].files) == 8


def test_folders_that_are_named_by_keys_are_partitions():
    keys = {f"year={year}/month={month}/f.csv": "orders" for year in (1, 2) for month in (3, 4)}
    (table,) = find(keys)
    assert table.key == "in/"
    assert partition_names(table, ()) == ["year", "month"]
    assert [partition_values(leaf) for leaf in table.leaves] == [
        ["1", "3"],
        ["1", "4"],
        ["2", "3"],
        ["2", "4"],
    ]


def test_plain_folders_that_are_alike_are_partitions_without_names():
    keys = {f"2024/{month:02d}/f.csv": "orders" for month in (1, 2)}
    (table,) = find(keys)
    assert table.key == "in/"
    assert partition_names(table, ()) == ["partition_0", "partition_1"]
    assert [partition_values(leaf) for leaf in table.leaves] == [["2024", "01"], ["2024", "02"]]


def test_folders_that_are_not_alike_are_tables():
    keys = {
        "orders/day=1/f.csv": "orders",
        "orders/day=2/f.csv": "orders",
        "customers/f.csv": "customers",
        "log/f.json": "json",
    }
    assert tables(find(keys)) == {
        "in/orders/": ["day=1", "day=2"],
        "in/customers/": [""],
        "in/log/": [""],
    }


def test_tables_that_share_most_but_not_enough_columns_stay_apart():
    assert tables(find({"few/f.csv": "few", "more/f.csv": "more"})) == {
        "in/few/": [""],
        "in/more/": [""],
    }


@pytest.mark.parametrize("names", [("day=1", "day=2"), ("20240101", "20240102")])
def test_partitions_may_gain_columns(names):
    (table,) = find({f"{names[0]}/f.csv": "few", f"{names[1]}/f.csv": "more"})
    assert table.depth == 1


def test_keys_that_differ_or_depths_that_differ_make_no_partitions():
    assert tables(find({"a=1/f.csv": "orders", "b=1/f.csv": "customers"})) == {
        "in/a=1/": [""],
        "in/b=1/": [""],
    }
    (mixed,) = find({"a=1/f.csv": "orders", "b=1/f.csv": "orders"})
    assert partition_names(mixed, ()) == ["partition_0"]
    assert set(tables(find({"x/f.csv": "orders", "y/z/f.csv": "orders"}))) == {"in/x/", "in/y/"}


def test_files_beside_folders_that_are_alike_are_one_table_without_partitions():
    (table,) = find({"f.csv": "orders", "sub/g.csv": "orders"})
    assert table.key == "in/"
    assert table.depth == 0
    assert len(table.leaves[0].files) == 2


def test_a_partition_key_that_is_a_column_gets_another_name():
    (table,) = find({"id=1/f.csv": "orders", "id=2/f.csv": "orders"})
    assert partition_names(table, ["id", "amount"]) == ["partition_0"]


def test_values_of_keys_are_unescaped():
    (table,) = find({"Country=United%20Kingdom/f.csv": "orders", "Country=a%2Fb/f.csv": "orders"})
    assert partition_names(table, ()) == ["country"]
    assert [partition_values(leaf) for leaf in table.leaves] == [["United Kingdom"], ["a/b"]]


def test_a_file_in_which_nothing_tells_a_header_has_that_of_its_sisters():
    (table,) = find({"a.csv": "orders", "b.csv": "texts"})
    plain = infer_csv(CONTENTS["texts"], "none", 1, True)
    assert plain is not None
    assert plain.columns[0][0] == "col0"
    names = [[name for name, _ in file.schema.columns] for file in table.leaves[0].files]
    assert names == [["id", "amount", "sold"]] * 2


def test_schemas_of_one_format_are_combined_on_request():
    keys = {"few/f.csv": "few", "more/f.csv": "more", "orders/f.csv": "orders"}
    (table,) = find(keys, combine=True)
    assert table.depth == 1
    assert len(find(keys | {"log/f.json": "json"}, combine=True)) == 4


def test_tables_begin_where_the_level_says():
    keys = {
        "shop/orders/2024/f.csv": "orders",
        "shop/orders/2025/f.csv": "orders",
        "shop/customers/f.csv": "customers",
        "other/mixed/f.csv": "orders",
        "other/mixed/sub/g.csv": "customers",
    }
    found = find(keys, root="", table_level=3)
    assert tables(found) == {
        "shop/orders/": ["2024", "2025"],
        "shop/customers/": [""],
        "other/mixed/": [""],
    }


def test_the_root_of_a_bucket_can_be_a_table():
    assert tables(find({"a.csv": "orders"}, root="")) == {"": [""]}


def test_deep_keys_and_odd_keys_do_no_harm():
    deep = "/".join("x" * 500)
    found = find({f"{deep}/f.csv": "orders", "//f.csv": "orders", "a//b/f.csv": "orders"})
    assert sum(len(leaf.files) for table in found for leaf in table.leaves) == 3


folders = st.lists(st.sampled_from(["a", "b", "k=1", "k=2", "2024"]), max_size=3).map("/".join)


@given(
    st.dictionaries(
        st.tuples(folders, st.sampled_from(["1", "2", "3"])),
        st.sampled_from(list(CONTENTS)),
        min_size=1,
        max_size=8,
    )
)
def test_each_file_is_in_at_most_one_table_and_below_its_folder(contents):
    keys = {f"{folder}/{name}".lstrip("/"): kind for (folder, name), kind in contents.items()}
    found = find(keys)
    assert found
    seen = [file.key for table in found for leaf in table.leaves for file in leaf.files]
    assert len(seen) == len(set(seen))
    for table in found:
        assert len({len(leaf.folders) for leaf in table.leaves}) == 1
        for leaf in table.leaves:
            below = "".join(f"{name}/" for name in leaf.folders)
            assert leaf.key == table.key + below
            assert all(file.key.startswith(leaf.key) for file in leaf.files)
