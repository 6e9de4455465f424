"""Why a query failed, as its status tells."""


class QueryFailed(Exception):
    """The query ends FAILED; the text is its StateChangeReason.

    `category` is AthenaError's ErrorCategory: 1 system, 2 user, 3 other. `error_type` is its
    ErrorType, a number of Athena's error catalogue.

    Source: Athena User Guide, "Athena error catalog".
    """

    def __init__(self, message: str, category: int = 2, error_type: int = 1006) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.error_type = error_type


def execution_error(detail: str) -> QueryFailed:
    """A DDL task that failed, in Hive's words."""
    return QueryFailed(
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
        + detail
    )


def table_not_found(database: str, table: str) -> QueryFailed:
    return QueryFailed(
        f"FAILED: SemanticException [Error 10001]: Table not found {database}.{table}",
        error_type=1301,
    )


def database_not_found(database: str) -> QueryFailed:
    return QueryFailed(
        f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}",
        error_type=1301,
    )
