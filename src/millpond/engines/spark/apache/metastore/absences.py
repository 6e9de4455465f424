"""What the catalog does not have, and Hive asks for all the same.

There are no constraints, no materialized views and no statistics of columns: the answers are
empty. Which partitions an expression finds, Hive works out itself when a metastore does not know
the call, as those before 0.13 do not.
"""

from typing import Any, NoReturn

from hive_metastore import ttypes as hive
from thrift.Thrift import TApplicationException


class Absences:
    """Calls of Hive 3 that are answered by what is not there."""

    def get_primary_keys(self, request: Any) -> hive.PrimaryKeysResponse:
        return hive.PrimaryKeysResponse(primaryKeys=[])

    def get_foreign_keys(self, request: Any) -> hive.ForeignKeysResponse:
        return hive.ForeignKeysResponse(foreignKeys=[])

    def get_unique_constraints(self, request: Any) -> hive.UniqueConstraintsResponse:
        return hive.UniqueConstraintsResponse(uniqueConstraints=[])

    def get_not_null_constraints(self, request: Any) -> hive.NotNullConstraintsResponse:
        return hive.NotNullConstraintsResponse(notNullConstraints=[])

    def get_default_constraints(self, request: Any) -> hive.DefaultConstraintsResponse:
        return hive.DefaultConstraintsResponse(defaultConstraints=[])

    def get_check_constraints(self, request: Any) -> hive.CheckConstraintsResponse:
        return hive.CheckConstraintsResponse(checkConstraints=[])

    def get_materialized_views_for_rewriting(self, db_name: str) -> list[str]:
        return []

    def get_table_statistics_req(self, request: Any) -> hive.TableStatsResult:
        return hive.TableStatsResult(tableStats=[])

    def get_partitions_statistics_req(self, request: Any) -> hive.PartitionsStatsResult:
        return hive.PartitionsStatsResult(partStats={})

    def get_aggr_stats_for(self, request: Any) -> hive.AggrStats:
        return hive.AggrStats(colStats=[], partsFound=0)

    def get_partitions_by_expr(self, req: Any) -> NoReturn:
        raise TApplicationException(
            TApplicationException.UNKNOWN_METHOD, "get_partitions_by_expr is not known."
        )

    def drop_partitions_req(self, req: Any) -> NoReturn:
        raise hive.MetaException(
            "Hive's ALTER TABLE … DROP PARTITION is not supported here: use Athena, Spark SQL or "
            "DeletePartition of Glue."
        )
