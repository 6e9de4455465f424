"""DynamicFrames: types that are chosen by the records, and what transforms make of them."""

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "glue_fixtures", Path(__file__).parent / "conftest.py"
)
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
records_of, tree = _fixtures.records_of, _fixtures.tree

MIXED = (
    {
        "id": 1,
        "price": 1,
        "code": 7,
        "at": {"city": "Ulm", "zip": "1"},
        "tags": [{"k": "a", "v": 1}],
    },
    {"id": 2, "price": 2.5, "code": "x", "at": {"city": "Bad"}, "tags": [], "nothing": None},
    {"id": 3, "price": 3.5, "code": "12"},
)


@pytest.fixture
def mixed(frame_of, tmp_path):
    return frame_of(tmp_path, *MIXED)


def test_a_field_of_several_types_is_a_choice(mixed) -> None:
    assert tree(mixed) == [
        "|-- id: int",
        "|-- price: choice",
        "|    |-- double",
        "|    |-- int",
        "|-- code: choice",
        "|    |-- int",
        "|    |-- string",
        "|-- at: struct",
        "|    |-- city: string",
        "|    |-- zip: string",
        "|-- tags: array",
        "|    |-- element: struct",
        "|    |    |-- k: string",
        "|    |    |-- v: int",
        "|-- nothing: null",
    ]
    codes = sorted((r["id"], r["code"]) for r in records_of(mixed))
    assert codes == [(1, 7), (2, "x"), (3, "12")]


def test_whole_numbers_are_longs_only_where_they_must_be(frame_of, tmp_path) -> None:
    frame = frame_of(tmp_path, {"a": 1, "b": 2**40}, {"a": 2, "b": 1})
    assert tree(frame) == ["|-- a: int", "|-- b: choice", "|    |-- int", "|    |-- long"]


def test_choices_are_cast_projected_or_taken_apart(mixed) -> None:
    cast = mixed.resolveChoice(specs=[("code", "cast:long"), ("price", "project:double")])
    assert "|-- code: long" in tree(cast)
    got = sorted((r["id"], r["code"], r["price"]) for r in records_of(cast))
    assert got == [(1, 7, None), (2, None, 2.5), (3, 12, 3.5)]

    apart = mixed.resolveChoice(specs=[("code", "make_cols")])
    got = sorted((r["id"], r["code_int"], r["code_string"]) for r in records_of(apart))
    assert got == [(1, 7, None), (2, None, "x"), (3, None, "12")]

    structs = mixed.resolveChoice(choice="make_struct")
    assert [line for line in tree(structs) if "choice" in line] == []
    got = sorted((r["id"], r["price"]) for r in records_of(structs))
    assert got[0] == (1, {"double": None, "int": 1})


def test_toDF_shows_a_choice_as_a_struct_of_its_types(mixed) -> None:
    rows = {r["id"]: r["code"] for r in mixed.toDF().collect()}
    assert rows[1].asDict() == {"int": 7, "string": None}


def test_mappings_rename_nest_and_cast(mixed) -> None:
    mapped = mixed.apply_mapping(
        [
            ("id", "int", "key.id", "string"),
            ("AT.city", "string", "city", "string"),
            ("code", "string", "key.code", "int"),
            ("price", "double", "price", "decimal(6,2)"),
            ("missing", "int", "missing", "int"),
        ]
    )
    assert tree(mapped) == [
        "|-- key: struct",
        "|    |-- id: string",
        "|    |-- code: int",
        "|-- city: string",
        "|-- price: decimal",
    ]
    got = sorted((r["key"]["id"], r["key"]["code"], str(r["price"])) for r in records_of(mapped))
    assert got == [("1", 7, "1.00"), ("2", None, "2.50"), ("3", 12, "3.50")]


def test_fields_are_dropped_selected_and_renamed_inside_of_others(mixed) -> None:
    dropped = mixed.drop_fields(["at.zip", "tags.v", "price", "code", "nothing", "no.such"])
    assert tree(dropped) == [
        "|-- id: int",
        "|-- at: struct",
        "|    |-- city: string",
        "|-- tags: array",
        "|    |-- element: struct",
        "|    |    |-- k: string",
    ]
    renamed = dropped.rename_field("at.city", "at.town").rename_field("id", "`the.id`")
    assert {r["the.id"]: r["at"] for r in records_of(renamed)}[1] == {"town": "Ulm"}
    moved = dropped.select_fields(["at.city", "id"]).rename_field("at.city", "city")
    assert sorted(tree(moved)) == ["|-- city: string", "|-- id: int"]


def test_null_fields_are_dropped_and_structs_unnested(mixed) -> None:
    from awsglue.transforms import DropNullFields, UnnestFrame

    whole = DropNullFields.apply(frame=mixed)
    assert not whole.schema().hasField("nothing")
    flat = UnnestFrame.apply(frame=whole.select_fields(["id", "at"]))
    assert tree(flat) == ["|-- id: int", "|-- at.city: string", "|-- at.zip: string"]
    again = flat.rename_field("`at.city`", "city").select_fields(["`at.zip`", "city"])
    assert sorted(r["city"] or "" for r in records_of(again)) == ["", "Bad", "Ulm"]


def test_arrays_become_tables_with_id_index_and_val(frame_of, tmp_path) -> None:
    frame = frame_of(
        tmp_path,
        {"id": "a", "n": [1, 2], "deep": [{"x": 1, "ys": ["p", "q"]}, {"x": 2}]},
        {"id": "b", "n": []},
        {"id": "c"},
    )
    tables = frame.relationalize("root", str(tmp_path / "stage"))
    assert sorted(tables.keys()) == ["root", "root_deep", "root_deep_deep.val.ys", "root_n"]
    root = {r["id"]: r for r in records_of(tables["root"])}
    assert root["c"]["n"] is None and root["b"]["n"] is not None
    numbers = sorted((r["id"], r["index"], r["n.val"]) for r in records_of(tables["root_n"]))
    assert numbers == [(root["a"]["n"], 0, 1), (root["a"]["n"], 1, 2)]
    deep = {r["deep.val.x"]: r for r in records_of(tables["root_deep"])}
    assert (deep[1]["id"], deep[1]["index"]) == (root["a"]["deep"], 0)
    ys = sorted(
        (r["id"], r["index"], r["deep.val.ys.val"])
        for r in records_of(tables["root_deep_deep.val.ys"])
    )
    assert ys == [(deep[1]["deep.val.ys"], 0, "p"), (deep[1]["deep.val.ys"], 1, "q")]


def test_functions_see_records_and_failures_become_error_records(mixed) -> None:
    from awsglue.transforms import ErrorsAsDynamicFrame, Filter, Map

    def change(record):
        if record["id"] == 2:
            raise RuntimeError("not this one")
        record["twice"] = record["id"] * 2
        return record

    mapped = Map.apply(frame=mixed, f=change)
    assert sorted(r["twice"] for r in records_of(mapped)) == [2, 6]
    assert (mapped.errorsCount(), mapped.stageErrorsCount()) == (1, 1)
    (error,) = records_of(ErrorsAsDynamicFrame.apply(mapped))
    assert error["error"]["msg"] == "not this one"
    assert '"id": 2' in error["error"]["dynamicRecord"]

    kept = Filter.apply(frame=mixed, f=lambda record: record["price"] > 2)
    assert sorted(r["id"] for r in records_of(kept)) == [2, 3]
    assert Filter.apply(frame=mixed, f=lambda r: r["no such field"] > 2).count() == 0


def test_a_map_keeps_the_types_of_what_it_does_not_change(glue, session) -> None:
    from awsglue.dynamicframe import DynamicFrame

    frame = DynamicFrame.fromDF(
        session.sql("select 1L as a, cast(2 as decimal(5,1)) as d"), glue, "f"
    )
    same = frame.map(lambda record: record)
    assert tree(same) == ["|-- a: long", "|-- d: decimal"]


def test_more_errors_than_the_threshold_fail_the_next_action(frame_of, tmp_path) -> None:
    from awsglue.dynamicframe import ErrorThresholdExceeded

    frame = frame_of(tmp_path, {"a": 1}, "{not json", {"a": 2})
    assert (frame.count(), frame.errorsCount()) == (2, 1)
    strict = frame.map(lambda record: 1 / 0, stageThreshold=1)
    with pytest.raises(ErrorThresholdExceeded, match="2 records failed"):
        strict.count()


def test_a_column_of_both_sides_gets_a_dot_in_a_join(mixed) -> None:
    from awsglue.transforms import Join

    one = mixed.select_fields(["id", "code"])
    joined = Join.apply(one, mixed.select_fields(["id", "price"]), "id", "id")
    assert [field.name for field in joined.schema()] == ["id", "code", ".id", "price"]
    assert sorted((r["id"], r[".id"]) for r in records_of(joined)) == [(1, 1), (2, 2), (3, 3)]
    assert joined.drop_fields([".id"]).count() == 3


def test_unions_merge_types_and_merges_keep_the_staged(frame_of, tmp_path) -> None:
    one = frame_of(tmp_path, {"k": 1, "v": 1}, {"k": 2, "v": 2})
    two = frame_of(tmp_path, {"k": 2, "v": "two", "w": True})
    assert sorted(str(r["v"]) for r in records_of(one.union(two))) == ["1", "2", "two"]
    merged = one.mergeDynamicFrame(two, ["k"])
    assert sorted((r["k"], r["v"], r["w"]) for r in records_of(merged)) == [
        (1, 1, None),
        (2, "two", True),
    ]


def test_rows_and_fields_are_split(mixed) -> None:
    from awsglue.transforms import SplitFields, SplitRows

    rows = SplitRows.apply(mixed, {"id": {">": 1, "<": 3}}, "in", "out")
    assert [r["id"] for r in records_of(rows["in"])] == [2]
    assert sorted(r["id"] for r in records_of(rows["out"])) == [1, 3]
    fields = SplitFields.apply(mixed, ["id"], "one", "two")
    assert tree(fields["one"]) == ["|-- id: int"]
    assert not fields["two"].schema().hasField("id")


def test_text_is_unboxed(glue, session) -> None:
    from awsglue.dynamicframe import DynamicFrame

    made = session.createDataFrame(
        [('{"a": 1}', 1), ('{"a": "x"}', 2), ("oops", 3)], "j string, n int"
    )
    frame = DynamicFrame.fromDF(made, glue, "f").unbox("j", "json")
    assert sorted((r["n"], r["j"]["a"]) for r in records_of(frame)) == [(1, 1), (2, "x")]
    assert frame.errorsCount() == 1


def test_what_is_missing_fails_by_its_name(glue, mixed) -> None:
    from awsglue.refusals import NotSupported

    for ask, name in (
        (lambda: glue.forEachBatch(None, None), "forEachBatch"),
        (lambda: mixed.mapPartitions(lambda rows: rows), "mapPartitions"),
        (lambda: glue.create_dynamic_frame.from_options("kinesis", {}), "kinesis"),
        (lambda: glue.create_dynamic_frame.from_options("s3", {"paths": ["/x"]}, "ion"), "ion"),
        (
            lambda: glue.create_dynamic_frame.from_options(
                "s3", {"paths": ["/x"], "boundedFiles": "3"}, "json"
            ),
            "boundedFiles",
        ),
    ):
        with pytest.raises(NotSupported, match=name):
            ask()
