"""Files and tables: what is read and written, what the catalog is told, what bookmarks keep."""

import gzip
import importlib.util
import json
import uuid
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "glue_fixtures", Path(__file__).parent / "conftest.py"
)
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
records_of, tree = _fixtures.records_of, _fixtures.tree


def read(glue, folder, name, options=None, **more):
    return glue.create_dynamic_frame.from_options(
        "s3", {"paths": [str(folder)], **more}, name, options or {}
    )


def test_csv_is_text_with_names_from_a_header_or_numbers(glue, tmp_path) -> None:
    (tmp_path / "a.csv").write_text('name|note\nann|"x|y"\nbob|\n')
    frame = read(glue, tmp_path, "csv", {"withHeader": True, "separator": "|"})
    assert sorted((r["name"], r["note"]) for r in records_of(frame)) == [
        ("ann", "x|y"),
        ("bob", ""),
    ]
    plain = read(glue, tmp_path, "csv", {"separator": "|"})
    assert [f.name for f in plain.schema()] == ["col0", "col1"]
    assert plain.count() == 3


def test_ragged_rows_and_broken_quotes_do_not_stop_a_file(glue, tmp_path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1\n2,3,4\n")
    frame = read(glue, tmp_path, "csv", {"withHeader": True})
    assert sorted((r["a"], r["b"]) for r in records_of(frame)) == [("1", None), ("2", "3")]


def test_large_text_is_read_in_pieces_that_neither_lose_nor_repeat_a_line(
    glue, tmp_path, monkeypatch
) -> None:
    from awsglue import splits

    monkeypatch.setattr(splits, "PIECE_BYTES", 1000)
    monkeypatch.setattr(splits, "BLOCK_BYTES", 300)
    lines = [json.dumps({"i": i, "pad": "x" * (i % 50)}) for i in range(400)]
    (tmp_path / "a.json").write_text("\n".join(lines))
    frame = read(glue, tmp_path, "json")
    assert sorted(r["i"] for r in records_of(frame)) == list(range(400))


def test_json_of_several_lines_compressed_and_by_path(glue, tmp_path) -> None:
    body = json.dumps({"page": {"items": [{"a": 1}, {"a": 2}]}}, indent=2)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(body.encode()))
    frame = read(glue, tmp_path, "json", {"multiLine": "true", "jsonPath": "$.page.items[*]"})
    assert sorted(r["a"] for r in records_of(frame)) == [1, 2]


def test_xml_rows_and_grok_lines(glue, tmp_path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.xml").write_text(
        '<all><row id="1"><name>a</name><n>2</n></row>'
        "<row id='2'><name>b</name><n>x</n><n>3</n></row></all>"
    )
    frame = read(glue, tmp_path / "x", "xml", {"rowTag": "row"})
    got = sorted((r["_id"], r["name"], str(r["n"])) for r in records_of(frame))
    assert got == [(1, "a", "2"), (2, "b", "['x', 3]")]

    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "a.log").write_text("10.0.0.1 GET 200\nrubbish\n")
    options = {"logFormat": "%{IP:client} %{WORD:verb} %{INT:status}"}
    frame = read(glue, tmp_path / "g", "grokLog", options)
    assert records_of(frame) == [{"client": "10.0.0.1", "verb": "GET", "status": "200"}]
    assert frame.errorsCount() == 1


def test_folders_of_partitions_become_columns_and_predicates_choose_among_them(
    glue, tmp_path
) -> None:
    for year, month in (("2017", "01"), ("2018", "02")):
        folder = tmp_path / f"year={year}" / f"month={month}"
        folder.mkdir(parents=True)
        (folder / "a.json").write_text('{"v": 1}\n')
    frame = read(glue, tmp_path, "json")
    assert sorted((r["year"], r["month"]) for r in records_of(frame)) == [
        ("2017", "01"),
        ("2018", "02"),
    ]
    some = glue.create_dynamic_frame.from_options(
        "s3",
        {"paths": [str(tmp_path)]},
        "json",
        push_down_predicate="year > 2017 and month in ('02')",
    )
    assert [r["year"] for r in records_of(some)] == ["2018"]


@pytest.mark.parametrize("name", ["json", "csv", "parquet", "avro", "orc", "glueparquet"])
def test_what_is_written_is_read_again(glue, session, tmp_path, name) -> None:
    from awsglue.dynamicframe import DynamicFrame

    made = session.sql(
        "select 1L as a, 'x' as s union all select 2L, null union all select 3L, 'é'"
    )
    frame = DynamicFrame.fromDF(made, glue, "f")
    glue.write_dynamic_frame.from_options(frame, "s3", {"path": str(tmp_path / "out")}, name)
    back = read(glue, tmp_path / "out", "parquet" if name == "glueparquet" else name,
                {"withHeader": True} if name == "csv" else {})  # fmt: skip
    got = sorted((int(r["a"]), r["s"] or None) for r in records_of(back))
    assert got == [(1, "x"), (2, None), (3, "é")]


@pytest.fixture
def place(in_aws):
    """A bucket and a database of one name."""
    name = f"glue-{uuid.uuid4().hex[:10]}"
    in_aws.client("s3").create_bucket(Bucket=name)
    in_aws.client("glue").create_database(DatabaseInput={"Name": name})
    return name


def sales(glue, session, rows):
    from awsglue.dynamicframe import DynamicFrame

    return DynamicFrame.fromDF(session.createDataFrame(rows, "id long, day string"), glue, "sales")


def test_a_sink_makes_a_table_and_its_partitions_and_follows_new_columns(
    glue, session, place, in_aws
) -> None:
    sink = glue.getSink(
        connection_type="s3", path=f"s3://{place}/sales/", enableUpdateCatalog=True,
        updateBehavior="UPDATE_IN_DATABASE", partitionKeys=["day"],
    )  # fmt: skip
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase=place, catalogTableName="sales")
    sink.writeFrame(sales(glue, session, [(1, "mon"), (2, "tue")]))

    catalog = in_aws.client("glue")
    table = catalog.get_table(DatabaseName=place, Name="sales")["Table"]
    assert table["Parameters"]["classification"] == "parquet"
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    partitions = catalog.get_partitions(DatabaseName=place, TableName="sales")["Partitions"]
    assert sorted(p["Values"] for p in partitions) == [["mon"], ["tue"]]

    wider = sales(glue, session, [(3, "wed")]).map(lambda r: {**r, "price": 1.5})
    sink.writeFrame(wider)
    table = catalog.get_table(DatabaseName=place, Name="sales")["Table"]
    assert {"Name": "price", "Type": "double"} in table["StorageDescriptor"]["Columns"]

    back = glue.create_dynamic_frame.from_catalog(place, "sales")
    assert sorted((r["id"], r["day"]) for r in records_of(back)) == [
        (1, "mon"),
        (2, "tue"),
        (3, "wed"),
    ]
    one = glue.create_dynamic_frame.from_catalog(place, "sales", push_down_predicate="day == 'tue'")
    assert [r["id"] for r in records_of(one)] == [2]


def put_table(in_aws, place, name, columns, serde, parameters, settings=None):
    in_aws.client("glue").create_table(
        DatabaseName=place,
        TableInput={
            "Name": name,
            "Parameters": parameters,
            "StorageDescriptor": {
                "Columns": [{"Name": n, "Type": t} for n, t in columns],
                "Location": f"s3://{place}/{name}/",
                "SerdeInfo": {"SerializationLibrary": serde, "Parameters": settings or {}},
            },
        },
    )


LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


def test_a_value_that_is_not_of_its_columns_type_makes_the_column_a_choice(
    glue, place, in_aws
) -> None:
    body = "drg,provider id\n039,10001\n039,\n948,INC\n"
    in_aws.client("s3").put_object(Bucket=place, Key="medicare/a.csv", Body=body)
    put_table(
        in_aws, place, "medicare", [("drg", "string"), ("provider id", "bigint")], LAZY,
        {"classification": "csv", "skip.header.line.count": "1"}, {"field.delim": ","},
    )  # fmt: skip
    frame = glue.create_dynamic_frame.from_catalog(database=place, table_name="medicare")
    assert tree(frame) == [
        "|-- drg: string",
        "|-- provider id: choice",
        "|    |-- long",
        "|    |-- string",
    ]
    solved = frame.resolveChoice(specs=[("provider id", "cast:long")])
    assert sorted((r["drg"], r["provider id"] or 0) for r in records_of(solved)) == [
        ("039", 0),
        ("039", 10001),
        ("948", 0),
    ]


@pytest.fixture
def bookmark(monkeypatch, tmp_path):
    """A run of a job: `begin(states)` and, after its work, `commit()`."""
    from awsglue import bookmarks
    from awsglue.job import Job

    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.setenv("MILLPOND_GLUE_FOLDER", str(folder))

    class Run:
        def begin(self, states, option="job-bookmark-enable", **more):
            bookmarks.forget()
            told = {"job_name": "j", "option": option, "states": states, **more}
            (folder / "bookmark.json").write_text(json.dumps(told))
            (folder / "bookmark-commit.json").unlink(missing_ok=True)
            self.job = Job(None)
            self.job.init("j", {})

        def commit(self):
            self.job.commit()
            return json.loads((folder / "bookmark-commit.json").read_text())["states"]

        def has_committed(self):
            return (folder / "bookmark-commit.json").exists()

    yield Run()
    bookmarks.forget()


def test_a_bookmark_reads_each_file_once_and_one_that_is_written_anew_again(
    glue, place, in_aws, bookmark
) -> None:
    s3 = in_aws.client("s3")

    def put(name, value):
        s3.put_object(Bucket=place, Key=f"in/{name}", Body=json.dumps({"v": value}))

    def values(ctx="source"):
        frame = glue.create_dynamic_frame.from_options(
            "s3", {"paths": [f"s3://{place}/in/"]}, "json", transformation_ctx=ctx
        )
        return sorted(r["v"] for r in records_of(frame))

    put("a.json", 1)
    bookmark.begin({})
    assert values() == [1]
    states = bookmark.commit()

    put("b.json", 2)
    bookmark.begin(states)
    assert values() == [2]
    assert values(ctx="") == [1, 2], "without a context there is no bookmark"
    bookmark.begin(states)
    assert values() == [2], "a run that did not commit is done again"
    states = bookmark.commit()

    bookmark.begin(states)
    assert values() == []
    states = bookmark.commit()
    bookmark.begin(states)
    assert values() == []

    nothing = glue.create_dynamic_frame.from_options(
        "s3", {"paths": [f"s3://{place}/in/"]}, "json", transformation_ctx="source"
    )
    mapped = nothing.apply_mapping([("v", "int", "v", "long")]).resolveChoice(choice="make_cols")
    joined = mapped.join("v", "v", mapped).filter(lambda record: True)
    assert joined.union(nothing).count() == 0
    target = {"path": f"s3://{place}/out/", "partitionKeys": ["v"]}
    glue.write_dynamic_frame.from_options(joined, "s3", target, "json")

    bookmark.begin(states, option="job-bookmark-disable")
    assert values() == [1, 2]
    bookmark.job.commit()
    assert not bookmark.has_committed()


def test_a_paused_bookmark_reads_a_range_and_changes_nothing(glue, place, in_aws, bookmark) -> None:
    s3 = in_aws.client("s3")
    kept = [{}]
    for value in (1, 2, 3):
        s3.put_object(Bucket=place, Key=f"in/{value}.json", Body=json.dumps({"v": value}))
        bookmark.begin(kept[-1])
        frame = glue.create_dynamic_frame.from_options(
            "s3", {"paths": [f"s3://{place}/in/"]}, "json", transformation_ctx="source"
        )
        assert [r["v"] for r in records_of(frame)] == [value]
        kept.append(bookmark.commit())

    bookmark.begin(kept[1], option="job-bookmark-pause", **{"from": kept[1], "to": kept[2]})
    frame = glue.create_dynamic_frame.from_options(
        "s3", {"paths": [f"s3://{place}/in/"]}, "json", transformation_ctx="source"
    )
    assert [r["v"] for r in records_of(frame)] == [2]
    bookmark.job.commit()
    assert not bookmark.has_committed()


def test_old_files_are_purged(glue, place, in_aws) -> None:
    s3 = in_aws.client("s3")
    s3.put_object(Bucket=place, Key="old/a", Body=b"x")
    glue.purge_s3_path(f"s3://{place}/old/", {"retentionPeriod": 1})
    assert s3.list_objects_v2(Bucket=place, Prefix="old/")["KeyCount"] == 1
    glue.purge_s3_path(
        f"s3://{place}/old/", {"retentionPeriod": 0, "manifestFilePath": f"s3://{place}/m/"}
    )
    assert s3.list_objects_v2(Bucket=place, Prefix="old/")["KeyCount"] == 0
    told = s3.get_object(Bucket=place, Key="m/Success.csv")["Body"].read()
    assert told == f"s3://{place}/old/a\n".encode()
