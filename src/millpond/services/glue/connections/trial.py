"""Connects to a database and says how that went: run in a process of its own.

Reads a target as JSON from its standard input, writes `{}` or `{"error": …}`. Only drivers are
imported: `pg8000` and `PyMySQL`, which `millpond[jdbc]` installs.
"""

import json
import ssl
import sys
from typing import Any

CONNECT_SECONDS_MAX = 10


def main() -> None:
    target = json.load(sys.stdin)
    try:
        connect(target)
    except ImportError as error:
        answer = {"error": f"{error.name} is not installed: pip install 'millpond[jdbc]'"}
    except Exception as error:
        answer = {"error": _told(error)}
    else:
        answer = {}
    json.dump(answer, sys.stdout)


def connect(target: dict[str, Any]) -> None:
    """Enter the database, and ask it something."""
    context = None
    if target["enforces_ssl"]:
        context = ssl.create_default_context()
    if target["engine"] == "postgresql":
        import pg8000.dbapi  # noqa: PLC0415

        connection = pg8000.dbapi.connect(
            user=target["user"],
            password=target["password"],
            host=target["host"],
            port=target["port"],
            database=target["database"] or target["user"],
            timeout=CONNECT_SECONDS_MAX,
            ssl_context=context,
        )
    else:
        import pymysql  # noqa: PLC0415

        connection = pymysql.connect(
            user=target["user"],
            password=target["password"],
            host=target["host"],
            port=target["port"],
            database=target["database"] or None,
            connect_timeout=CONNECT_SECONDS_MAX,
            ssl=context,
        )
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    cursor.fetchall()
    connection.close()


def _told(error: Exception) -> str:
    """What a driver says, without the detail of how it says it."""
    last: Any = error.args[-1] if error.args else ""
    if isinstance(last, dict):
        return str(last.get("M") or last)
    return str(last or error or type(error).__name__)


if __name__ == "__main__":
    main()
