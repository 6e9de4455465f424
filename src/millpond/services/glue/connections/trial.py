"""Connects to a database and says how that went: run in a process of its own.

Reads a target as JSON from its standard input, writes `{}` or `{"error": …}`. Only drivers are
imported: `pg8000` and `PyMySQL`, which `millpond[jdbc]` installs.
"""

import json
import ssl
import sys
from collections.abc import Callable
from typing import Any

CONNECT_SECONDS_MAX = 10


def main() -> None:
    answer(_try)


def answer(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Read a question, have it worked on, and write the answer, or the error in its place."""
    question = json.load(sys.stdin)
    try:
        told = work(question)
    except ImportError as error:
        told = {"error": f"{error.name} is not installed: pip install 'millpond[jdbc]'"}
    except Exception as error:
        told = {"error": _told(error)}
    json.dump(told, sys.stdout)


def _try(target: dict[str, Any]) -> dict[str, Any]:
    connect(target).close()
    return {}


def connect(target: dict[str, Any]) -> Any:
    """A connection of a database that was entered and answers."""
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
    return connection


def _told(error: Exception) -> str:
    """What a driver says, without the detail of how it says it."""
    last: Any = error.args[-1] if error.args else ""
    if isinstance(last, dict):
        return str(last.get("M") or last)
    return str(last or error or type(error).__name__)


if __name__ == "__main__":
    main()
