"""Tables of Delta Lake and Iceberg whose own description is damaged."""

import json

import pytest

from millpond.services.glue.crawl.open_tables import (
    BadTable,
    delta_columns,
    delta_metadata,
    iceberg_columns,
)

DEEP = "[" * 100_000
NESTED = '{"type":"array","elementType":' * 2000 + '"int"' + "}" * 2000


@pytest.mark.parametrize(
    "fields",
    [
        "null",
        "5",
        '["x"]',
        '[{"name":1,"type":"int"}]',
        '[{"name":"a"}]',
        '[{"name":"a","type":{"type":"map"}}]',
        f'[{{"name":"a","type":{NESTED}}}]',
        '[{"name":"a","type":"' + "x" * 200_000 + '"}]',
        json.dumps([{"name": f"c{n}", "type": "int"} for n in range(10_001)]),
        DEEP,
    ],
)
def test_columns_that_cannot_be_read_are_said_to_be_so(fields):
    with pytest.raises(BadTable):
        delta_columns({"schemaString": f'{{"fields":{fields}}}'})
    with pytest.raises(BadTable):
        iceberg_columns(f'{{"schema":{{"fields":{fields}}}}}'.replace("elementType", "x").encode())


@pytest.mark.parametrize("document", ["5", "[]", '{"schemas":[]}', '{"schemas":{"a":1}}', DEEP, ""])
def test_metadata_that_is_none_is_said_to_be_so(document):
    with pytest.raises(BadTable):
        iceberg_columns(document.encode())


def test_a_log_that_cannot_be_read_is_said_to_be_so():
    with pytest.raises(BadTable):
        delta_metadata(['{"metaData":' + DEEP])
    with pytest.raises(BadTable):
        delta_columns({"schemaString": '{"fields":[]}', "partitionColumns": ["lost"]})
