"""Whether text written with a partition's columns can be read with those of its table.

Values of text have a place and no name: where the two lists of columns part, one column's values
would be shown as another's.

Source: Athena User Guide, "Update tables with partitions"; Trino's HiveSplitManager and
HiveCoercionPolicy.
"""

from collections.abc import Mapping
from typing import Any

from millpond.services.athena.failure import QueryFailed

_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_TEXTS = ("string", "varchar", "char")


def refuse_other_columns(table: Mapping[str, Any], partition: Mapping[str, Any]) -> None:
    """Refuses a partition that has another column in a column's place, of a type that does not
    become the column's. Types that differ under one name are left alone: text is read in any type.

    Raises:
        QueryFailed: HIVE_PARTITION_SCHEMA_MISMATCH.
    """
    declared = table.get("StorageDescriptor", {}).get("Columns", [])
    held = partition.get("StorageDescriptor", {}).get("Columns", [])
    for column, other in zip(declared, held, strict=False):
        if column["Name"].lower() == other["Name"].lower():
            continue
        kind, other_kind = (one.get("Type", "string").lower() for one in (column, other))
        if _becomes(other_kind, kind):
            continue
        keys = (key["Name"] for key in table.get("PartitionKeys", []))
        values = zip(keys, partition.get("Values", []), strict=False)
        raise QueryFailed(
            "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition "
            "schemas. The types are incompatible and cannot be coerced. The column "
            f"'{column['Name']}' in table '{table['DatabaseName']}.{table['Name']}' is declared as "
            f"type '{kind}', but partition '{'/'.join(f'{key}={value}' for key, value in values)}' "
            f"declared column '{other['Name']}' as type '{other_kind}'."
        )


def _becomes(given: str, wanted: str) -> bool:
    if given == wanted:
        return True
    source, target = given.partition("(")[0], wanted.partition("(")[0]
    if target in _TEXTS:
        return source in _TEXTS or source in _INTEGERS
    if source in _INTEGERS and target in _INTEGERS:
        return _INTEGERS.index(source) < _INTEGERS.index(target)
    return (source, target) in (("float", "double"), ("decimal", "decimal")) or (
        source in _INTEGERS and target in ("decimal", "double")
    )
