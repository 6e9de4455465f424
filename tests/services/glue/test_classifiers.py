"""Custom classifiers: defined, changed, asked before those that are built in."""

import io
import json

import fastavro
import pyarrow as pa
import pyarrow.orc
import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.glue.classifiers.grok import BadGrok, compile_grok
from millpond.services.glue.classifiers.grok_patterns import BUILT_IN
from millpond.services.glue.classifiers.json_path import BadJsonPath, parse_json_path, select
from tests.services.glue.conftest import columns_of

LOG = (
    '203.0.113.9 - ada [10/Oct/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 2326\n'
    '203.0.113.10 - - [10/Oct/2025:13:55:37 +0000] "POST /b HTTP/1.1" 500 17\n'
)


async def crawl(lake, *classifiers):
    await lake.make_crawler("s3://lake/in/", Classifiers=list(classifiers))
    last = await lake.crawl()
    assert last["Status"] == "SUCCEEDED", last
    (table,) = (await lake.tables()).values()
    return table


async def refusal(lake, operation, **members):
    with pytest.raises(ServiceError) as refused:
        await lake.glue(operation, **members)
    return refused.value.code, refused.value.message


async def test_a_grok_classifier_names_and_types_the_fields_of_lines(lake):
    await lake.glue(
        "CreateClassifier",
        GrokClassifier={
            "Name": "visits",
            "Classification": "weblog",
            "GrokPattern": (
                r"%{IPORHOST:client} %{USER:ident} %{USER:who} \[%{HTTPDATE:at}\] "
                r'"%{VERB:verb} %{NOTSPACE:path} HTTP/%{NUMBER}" %{INT:status:int} '
                r"%{INT:bytes:long}"
            ),
            "CustomPatterns": "VERB GET|POST|PUT",
        },
    )
    await lake.put("in/log", LOG)
    table = await crawl(lake, "visits")
    assert columns_of(table) == {
        "client": "string",
        "ident": "string",
        "who": "string",
        "at": "string",
        "verb": "string",
        "path": "string",
        "status": "int",
        "bytes": "bigint",
    }
    assert table["Parameters"]["classification"] == "weblog"
    serde = table["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "com.amazonaws.glue.serde.GrokSerDe"
    assert serde["Parameters"]["input.grokCustomPatterns"] == "VERB GET|POST|PUT"


async def test_a_json_path_says_where_records_stand(lake):
    await lake.glue("CreateClassifier", JsonClassifier={"Name": "j", "JsonPath": "$.data.rows[*]"})
    await lake.put("in/a.json", json.dumps({"data": {"rows": [{"a": 1}, {"a": 2, "b": "x"}]}}))
    table = await crawl(lake, "j")
    assert columns_of(table) == {"a": "int", "b": "string"}
    assert table["Parameters"]["jsonPath"] == "$.data.rows[*]"
    assert table["Parameters"]["recordCount"] == "2"


async def test_a_csv_classifier_names_columns_and_separates_by_what_it_says(lake):
    await lake.glue(
        "CreateClassifier",
        CsvClassifier={
            "Name": "v",
            "Delimiter": "~",
            "QuoteSymbol": "'",
            "ContainsHeader": "ABSENT",
            "Header": ["Id", "Note"],
            "Serde": "OpenCSVSerDe",
        },
    )
    await lake.put("in/a.txt", "1~'a~b'\n2~c\n")
    table = await crawl(lake, "v")
    assert columns_of(table) == {"id": "bigint", "note": "string"}
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {
        "separatorChar": "~",
        "quoteChar": "'",
        "escapeChar": "\\",
    }


async def test_an_xml_classifier_needs_its_row_tag(lake):
    code, message = await refusal(
        lake, "CreateClassifier", XMLClassifier={"Name": "x", "Classification": "xml"}
    )
    assert (code, message.split()[0]) == ("InvalidInputException", "RowTag")
    await lake.glue(
        "CreateClassifier",
        XMLClassifier={"Name": "x", "Classification": "books", "RowTag": "book"},
    )
    await lake.put("in/a.xml", "<shop><shelf><book n='1'><t>A</t></book></shelf></shop>")
    table = await crawl(lake, "x")
    assert columns_of(table) == {"_n": "bigint", "t": "string"}
    assert table["Parameters"]["rowTag"] == "book"
    assert table["Parameters"]["classification"] == "books"


async def test_a_file_that_no_custom_classifier_takes_is_left_to_those_built_in(lake):
    await lake.glue("CreateClassifier", JsonClassifier={"Name": "j", "JsonPath": "$.rows[*]"})
    await lake.put("in/a.csv", "id,name\n1,x\n2,y\n")
    assert columns_of(await crawl(lake, "j")) == {"id": "bigint", "name": "string"}


async def test_avro_and_orc_are_told_by_what_they_say_of_themselves(lake):
    out = io.BytesIO()
    schema = {"type": "record", "name": "r", "fields": [{"name": "A", "type": "long"}]}
    fastavro.writer(out, schema, [{"A": 1}])
    await lake.put("in/avro/a.avro", out.getvalue())
    out = io.BytesIO()
    pyarrow.orc.write_table(pa.table({"b": ["x"]}), out)
    await lake.put("in/orc/a.orc", out.getvalue())
    await lake.make_crawler("s3://lake/in/")
    assert (await lake.crawl())["Status"] == "SUCCEEDED"
    tables = await lake.tables()
    assert columns_of(tables["avro"]) == {"a": "bigint"}
    serde = tables["avro"]["StorageDescriptor"]["SerdeInfo"]
    assert json.loads(serde["Parameters"]["avro.schema.literal"])["name"].endswith("r")
    assert columns_of(tables["orc"]) == {"b": "string"}
    assert tables["orc"]["StorageDescriptor"]["InputFormat"].endswith("OrcInputFormat")


async def test_classifiers_are_listed_changed_and_removed(lake):
    for name in ("b", "a", "c"):
        await lake.glue("CreateClassifier", JsonClassifier={"Name": name, "JsonPath": "$[*]"})
    page = await lake.glue("GetClassifiers", MaxResults=2)
    assert [each["JsonClassifier"]["Name"] for each in page["Classifiers"]] == ["a", "b"]
    rest = await lake.glue("GetClassifiers", NextToken=page["NextToken"])
    assert [each["JsonClassifier"]["Name"] for each in rest["Classifiers"]] == ["c"]
    await lake.glue("UpdateClassifier", JsonClassifier={"Name": "a", "JsonPath": "$.x[*]"})
    shown = (await lake.glue("GetClassifier", Name="a"))["Classifier"]["JsonClassifier"]
    assert (shown["JsonPath"], shown["Version"]) == ("$.x[*]", 2)
    code, _ = await refusal(lake, "UpdateClassifier", CsvClassifier={"Name": "a"})
    assert code == "InvalidInputException"
    await lake.glue("DeleteClassifier", Name="a")
    for operation in ("GetClassifier", "DeleteClassifier"):
        assert (await refusal(lake, operation, Name="a"))[0] == "EntityNotFoundException"


async def test_a_classifier_is_of_one_kind_and_a_name_is_taken_once(lake):
    both = {
        "JsonClassifier": {"Name": "a", "JsonPath": "$[*]"},
        "CsvClassifier": {"Name": "a"},
    }
    for members in ({}, both):
        assert (await refusal(lake, "CreateClassifier", **members))[0] == "InvalidInputException"
    await lake.glue("CreateClassifier", CsvClassifier={"Name": "a"})
    code, _ = await refusal(lake, "CreateClassifier", CsvClassifier={"Name": "a"})
    assert code == "AlreadyExistsException"


async def test_a_crawler_can_only_name_classifiers_that_are_there(lake):
    members = {"Name": "c", "Role": "r", "Targets": {"S3Targets": [{"Path": "s3://lake/"}]}}
    code, message = await refusal(lake, "CreateCrawler", **members, Classifiers=["lost"])
    assert (code, message) == ("EntityNotFoundException", "Classifier lost not found.")


async def test_a_crawler_whose_classifier_is_gone_can_still_be_changed(lake):
    await lake.glue("CreateClassifier", CsvClassifier={"Name": "gone"})
    targets = {"S3Targets": [{"Path": "s3://lake/"}]}
    await lake.glue("CreateCrawler", Name="c", Role="r", Targets=targets, Classifiers=["gone"])
    await lake.glue("DeleteClassifier", Name="gone")
    await lake.glue("UpdateCrawler", Name="c", Description="changed")
    code, _ = await refusal(lake, "UpdateCrawler", Name="c", Classifiers=["gone"])
    assert code == "EntityNotFoundException"


@pytest.mark.parametrize(
    ("pattern", "custom", "message"),
    [
        ("%{NOPE:a}", "", "NOPE is unknown"),
        ("%{INT:a:money}", "", "type money of a"),
        ("%{INT}", "", "names no field"),
        ("%{A:a}", "A %{A}", "without end"),
        ("%{A:a}", "A (?=x)", "not a regular expression"),
        ("%{A:a}", "A", "not a name and a pattern"),
        ("%{A:a}", "A " + "%{B}" * 300 + "\nB " + "%{C}" * 300 + "\nC x", "too long"),
        ("%{A:a}" * 400, "A " + "x" * 8000, "too long"),
    ],
)
def test_grok_patterns_that_cannot_be_used_are_refused(pattern, custom, message):
    with pytest.raises(BadGrok, match=message):
        compile_grok(pattern, custom)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_pattern_that_is_known_by_name_can_be_used(name):
    assert compile_grok(f"%{{{name}:field}}").columns[0][0] == "field"


def test_json_paths_select_what_stands_there():
    value = {"a": [{"b": 1}, {"b": 2}], "c d": {"e": 3}}
    assert list(select([value], parse_json_path("$.a[*].b"))) == [1, 2]
    assert list(select([value], parse_json_path("$.a[1].b"))) == [2]
    assert list(select([value], parse_json_path("$['c d'].e"))) == [3]
    assert list(select([value], parse_json_path("$.lost[*]"))) == []
    for path in ("a", "$..a", "$.a[?(@.b)]"):
        with pytest.raises(BadJsonPath):
            parse_json_path(path)
