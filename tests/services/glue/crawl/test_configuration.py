"""The JSON of a crawler's configuration."""

import json

import pytest

from millpond.services.glue.crawl.configuration import (
    BadConfiguration,
    CrawlConfiguration,
    read_configuration,
)


def test_all_that_is_implemented_is_read():
    text = json.dumps(
        {
            "Version": 1.0,
            "CreatePartitionIndex": True,
            "CrawlerOutput": {
                "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
                "Tables": {"AddOrUpdateBehavior": "MergeNewColumns", "TableThreshold": 5},
            },
            "Grouping": {
                "TableGroupingPolicy": "CombineCompatibleSchemas",
                "TableLevelConfiguration": 2,
            },
        }
    )
    assert read_configuration(text) == CrawlConfiguration(
        combine_schemas=True,
        table_level=2,
        tables_max=5,
        inherit_from_table=True,
        merge_new_columns=True,
        partition_index=True,
    )
    assert read_configuration(None) == read_configuration("") == CrawlConfiguration()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ([], "root must be an object"),
        ({}, "Version must be 1.0"),
        ({"Version": 2.0}, "Version must be 1.0"),
        ({"Version": 1.0, "Other": 1}, "Other is unknown or not implemented"),
        (
            {"Version": 1.0, "CrawlerOutput": {"Tables": {"Sort": 1}}},
            "CrawlerOutput.Tables.Sort is unknown",
        ),
        (
            {"Version": 1.0, "Grouping": {"TableGroupingPolicy": "Split"}},
            "must be CombineCompatibleSchemas",
        ),
        ({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 0}}, "must be 1 or more"),
        ({"Version": 1.0, "Grouping": {"TableLevelConfiguration": True}}, "must be 1 or more"),
        ({"Version": 1.0, "CreatePartitionIndex": "yes"}, "must be true or false"),
        ({"Version": 1.0, "Grouping": 1}, "Grouping must be an object"),
    ],
)
def test_what_is_not_understood_is_named(document, words):
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(BadConfiguration) as refused:
        read_configuration(text)
    assert words in str(refused.value)
