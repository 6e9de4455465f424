"""Deleting old files: `purge_table` and `purge_s3_path`.

Source: "GlueContext class", purge_table (AWS Glue developer guide).
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import places
from .places import File
from .refusals import refuse_others
from .tables import Table

_HOURS = 168
_OPTIONS = ("retentionPeriod", "partitionPredicate", "excludeStorageClasses", "manifestFilePath")


def purge_path(path: str, options: Mapping[str, Any], ctx: str) -> None:
    refuse_others("purge_s3_path", options, _OPTIONS)
    _purge(places.list_files(path), options, ctx)


def purge_table(table: Table, options: Mapping[str, Any], ctx: str) -> None:
    refuse_others("purge_table", options, _OPTIONS)
    if not table.partition_keys:
        _purge(places.list_files(table.layout().location), options, ctx)
        return
    predicate = str(options.get("partitionPredicate") or "")
    more = {"CatalogId": table.catalog_id} if table.catalog_id else {}
    for values, layout in table.partitions(predicate):
        _purge(places.list_files(layout.location), options, ctx)
        if not places.list_files(layout.location):
            places.client("glue").delete_partition(
                DatabaseName=table.database,
                TableName=table.name,
                PartitionValues=list(values),
                **more,
            )


def _purge(files: Sequence[File], options: Mapping[str, Any], ctx: str) -> None:
    hours = float(options.get("retentionPeriod", _HOURS))
    kept = set(options.get("excludeStorageClasses") or ())
    before = time.time() - hours * 3600
    old = [one for one in files if one.modified <= before and one.storage_class not in kept]
    failed = places.delete([one.uri for one in old])
    manifest = options.get("manifestFilePath")
    if manifest:
        reasons = dict(failed)
        done = [[one.uri] for one in old if one.uri not in reasons]
        folder = places.join(str(manifest), ctx) if ctx else str(manifest)
        places.write(places.join(folder, "Success.csv"), _csv(done))
        places.write(places.join(folder, "Failed.csv"), _csv([list(one) for one in failed]))


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
