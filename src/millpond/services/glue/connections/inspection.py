"""Tells the tables of a database and their columns: run in a process of its own, as `trial` is.

Reads `{"target": …, "patterns": […]}`: a pattern is what a crawler's path says, `schema/table` for
PostgreSQL and `table` for MySQL, in LIKE's language. Writes
`{"tables": [{"schema", "name", "columns": [[name, type, precision, scale], …]}, …]}`.
"""

from typing import Any

from millpond.services.glue.connections.trial import answer, connect

TABLES_MAX = 10_000
_COLUMNS = """
SELECT c.table_schema, c.table_name, c.column_name, {kind}, c.numeric_precision, c.numeric_scale
FROM information_schema.columns c JOIN information_schema.tables t
ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE t.table_type IN ('BASE TABLE', 'VIEW')
AND c.table_schema LIKE %s AND c.table_name LIKE %s
AND c.table_schema NOT IN ('information_schema', 'pg_catalog', 'performance_schema', 'sys', 'mysql')
ORDER BY c.table_schema, c.table_name, c.ordinal_position
"""
_KINDS = {"postgresql": "c.data_type", "mysql": "c.column_type"}


def main() -> None:
    answer(_inspect)


def _inspect(question: dict[str, Any]) -> dict[str, Any]:
    target = question["target"]
    connection = connect(target)
    cursor = connection.cursor()
    tables: dict[tuple[str, str], list[list[Any]]] = {}
    for pattern in question["patterns"]:
        schema, name = _split(pattern, target)
        cursor.execute(_COLUMNS.format(kind=_KINDS[target["engine"]]), (schema, name))
        for table_schema, table, *column in cursor.fetchall():
            tables.setdefault((table_schema, table), []).append(column)
            if len(tables) > TABLES_MAX:
                raise ValueError(f"The database has more than {TABLES_MAX} tables.")
    connection.close()
    return {
        "tables": [
            {"schema": schema, "name": name, "columns": columns}
            for (schema, name), columns in tables.items()
        ]
    }


def _split(pattern: str, target: dict[str, Any]) -> tuple[str, str]:
    schema, slash, name = pattern.partition("/")
    if target["engine"] == "mysql":
        return target["database"], pattern or "%"
    return (schema or "%", name or "%") if slash else (pattern or "%", "%")


if __name__ == "__main__":
    main()
