"""A crawler's `Configuration`: the JSON that says how tables are grouped and updated.

Source: Glue developer guide, "Setting crawler configuration options".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class BadConfiguration(ValueError):
    """The JSON cannot be read, or names something that is not there or not implemented."""


@dataclass(frozen=True, slots=True)
class CrawlConfiguration:
    """`table_level` counts folders from the bucket, which is level 1. `tables_max` bounds how many
    tables a crawl may find."""

    combine_schemas: bool = False
    table_level: int | None = None
    tables_max: int | None = None
    inherit_from_table: bool = False
    merge_new_columns: bool = False
    partition_index: bool = False


_TREE: Mapping[str, Any] = {
    "Version": None,
    "CreatePartitionIndex": None,
    "CrawlerOutput": {
        "Partitions": {"AddOrUpdateBehavior": None},
        "Tables": {"AddOrUpdateBehavior": None, "TableThreshold": None},
    },
    "Grouping": {"TableGroupingPolicy": None, "TableLevelConfiguration": None},
}


def read_configuration(text: str | None) -> CrawlConfiguration:
    """The configuration that the JSON says; an empty one is all defaults.

    Raises:
        BadConfiguration: with a sentence that names what is wrong.
    """
    if not text:
        return CrawlConfiguration()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadConfiguration("The crawler configuration is not valid JSON.") from error
    _check_names(document, _TREE, "")
    if document.get("Version") not in (1.0, "1.0"):
        raise BadConfiguration("The crawler configuration's Version must be 1.0.")
    output = document.get("CrawlerOutput", {})
    grouping = document.get("Grouping", {})
    tables = output.get("Tables", {})
    return CrawlConfiguration(
        combine_schemas=_is(grouping, "TableGroupingPolicy", "CombineCompatibleSchemas"),
        table_level=_count(grouping, "TableLevelConfiguration"),
        tables_max=_count(tables, "TableThreshold"),
        inherit_from_table=_is(
            output.get("Partitions", {}), "AddOrUpdateBehavior", "InheritFromTable"
        ),
        merge_new_columns=_is(tables, "AddOrUpdateBehavior", "MergeNewColumns"),
        partition_index=_truth(document, "CreatePartitionIndex"),
    )


def _check_names(document: Any, tree: Mapping[str, Any], path: str) -> None:
    if not isinstance(document, dict):
        raise BadConfiguration(f"The crawler configuration's {path or 'root'} must be an object.")
    for name, value in document.items():
        below = f"{path}.{name}" if path else name
        if name not in tree:
            raise BadConfiguration(
                f"The crawler configuration's {below} is unknown or not implemented."
            )
        if tree[name] is not None:
            _check_names(value, tree[name], below)


def _is(document: Mapping[str, Any], name: str, only: str) -> bool:
    value = document.get(name)
    if value not in (None, only):
        raise BadConfiguration(f"The crawler configuration's {name} must be {only}.")
    return value is not None


def _count(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadConfiguration(f"The crawler configuration's {name} must be 1 or more.")
    return value


def _truth(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise BadConfiguration(f"The crawler configuration's {name} must be true or false.")
    return value
