"""The catalog that Sail sees: the endpoint's Glue API, with tables shown so that Sail reads them.

A request of Sail's passes on as it came, signature and all (the endpoint verifies it). GetTable's
answer is changed as `tables` and `views` say; CreateTable is refused where Sail would keep the
table's files on this machine.
"""

import http.client
import json
import threading
import time
import urllib.error
import urllib.parse
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from millpond.engines.spark.runtime import signing, tables, views
from millpond.engines.spark.runtime.columns import parquet_names
from millpond.engines.spark.runtime.files import read_location
from millpond.engines.spark.runtime.tables import Table
from millpond.engines.spark.runtime.views import Name

_TARGET = "X-Amz-Target"
_GET_TABLE, _CREATE_TABLE = "AWSGlue.GetTable", "AWSGlue.CreateTable"
_HOMELESS = "has no location in S3. Give it one (option path), or its database a LocationUri."
_JSON = "application/x-amz-json-1.1"
_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_REMEMBERED_SECONDS = 60.0
_BODY_SIZE_BYTES_MAX = 16 << 20

Partitions = dict[tuple[str, ...], Table]
"""Partitions by their values."""
Reply = tuple[int, Mapping[str, str], bytes]
"""Status, headers, body."""


class Catalog:
    """Shows the tables of an endpoint's catalog.

    Partitions are listed each time a table is asked for by its name, and remembered only for the
    questions about them that a union of them leads to.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = urllib.parse.urlsplit(endpoint)
        self._listed: dict[tuple[str, str], tuple[float, Partitions]] = {}
        self._lock = threading.Lock()

    def show(self, table: Table, name: Name) -> Table | None:
        """What Sail is to see under `name`, given its table; None when there is no such partition.

        Raises:
            CannotShow: Sail cannot read it rightly.
            urllib.error.HTTPError: the endpoint refused to list its partitions.
        """
        if table.get("TableType") == "VIRTUAL_VIEW":
            return table
        if name.partition is not None:
            partition = self._recall(table).get(name.partition)
            if partition is None:
                return None
            table = views.partition_as_table(table, partition)
        elif table.get("PartitionKeys") and not name.files:
            partitions = list(self._list(table).values())
            if not views.lies_as_hive_would(table, partitions):
                return views.show_union(table, partitions)
        if not name.files and _spells_its_own_names(table):
            return views.show_columns(table, name)
        return tables.show_files({**table, "Name": str(name)})

    def _recall(self, table: Table) -> Partitions:
        with self._lock:
            since, known = self._listed.get(_key(table), (0.0, {}))
        if time.monotonic() - since < _REMEMBERED_SECONDS:
            return known
        return self._list(table)

    def _list(self, table: Table) -> Partitions:
        found: Partitions = {}
        question: dict[str, Any] = dict(
            zip(("DatabaseName", "TableName"), _key(table), strict=True)
        )
        while True:
            answer = _ask("GetPartitions", question)
            found |= {tuple(one["Values"]): one for one in answer.get("Partitions") or ()}
            if not answer.get("NextToken"):
                break
            question["NextToken"] = answer["NextToken"]
        with self._lock:
            self._listed[_key(table)] = (time.monotonic(), found)
        return found


def _key(table: Table) -> tuple[str, str]:
    return str(table["DatabaseName"]), str(table["Name"])


def _homeless(body: bytes) -> str:
    """The name of a table that is to lie on this machine, where nobody else would find it."""
    asked = json.loads(body)
    table = asked.get("TableInput") or {}
    location = (table.get("StorageDescriptor") or {}).get("Location") or ""
    if not location or read_location(location) is not None:
        return ""
    return f"{asked.get('DatabaseName')}.{table.get('Name')}"


def _spells_its_own_names(table: Table) -> bool:
    """Whether columns of its files are called otherwise than in the catalog, or may be."""
    serde = tables.serde_of(table)[0]
    if serde != "parquethiveserde":
        return serde in tables.TEXT_SERDES
    storage = table["StorageDescriptor"]
    catalog = {str(column["Name"]) for column in storage.get("Columns") or ()}
    known = {name.lower() for name in catalog}
    written = parquet_names(str(storage.get("Location") or ""))
    return any(name not in catalog and name.lower() in known for name in written)


def _ask(operation: str, question: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"content-type": _JSON, _TARGET: f"AWSGlue.{operation}"}
    body = json.dumps(question).encode()
    with signing.request("POST", "/", headers, body, "glue") as answer:
        read: dict[str, Any] = json.loads(answer.read())
        return read


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > _BODY_SIZE_BYTES_MAX:
            self._answer(413, {}, b"")
            return
        body = self.rfile.read(size)
        try:
            target = self.headers.get(_TARGET)
            if target == _GET_TABLE:
                self._answer(*self._get_table(body))
            elif target == _CREATE_TABLE and (name := _homeless(body)):
                self._refuse("InvalidInputException", f"Table {name} {_HOMELESS}", 400)
            else:
                self._answer(*self._pass_on(body))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._refuse("InternalServiceException", f"The catalog cannot be reached: {error}", 500)

    def _get_table(self, body: bytes) -> Reply:
        question = json.loads(body)
        name = views.read_name(str(question.get("Name")))
        table: Table = {"DatabaseName": question.get("DatabaseName"), "Name": name.table}
        try:
            if name == Name(name.table):
                status, headers, answer = self._pass_on(body)
                if status != 200:
                    return status, headers, answer
                table = json.loads(answer)["Table"]
            else:
                table = _ask("GetTable", {**question, "Name": name.table})["Table"]
            shown = self.server.catalog.show(table, name)
        except tables.CannotShow as error:
            named = f"{table['DatabaseName']}.{table['Name']}"
            return _refusal("InvalidInputException", f"Table {named}: {error}.")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {"content-type": _JSON}, error.read()
        if shown is None:
            return _refusal("EntityNotFoundException", f"Table {question['Name']} not found.")
        return 200, {"content-type": _JSON}, json.dumps({"Table": shown}).encode()

    def _pass_on(self, body: bytes) -> Reply:
        endpoint = self.server.catalog.endpoint
        kind = (
            http.client.HTTPSConnection
            if endpoint.scheme == "https"
            else http.client.HTTPConnection
        )
        connection = kind(endpoint.hostname or "", endpoint.port, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _NOT_PASSED_ON}
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            passed = {k: v for k, v in answer.getheaders() if k.lower() not in _NOT_PASSED_ON}
            return answer.status, passed, answer.read()
        finally:
            connection.close()

    def _refuse(self, code: str, message: str, status: int) -> None:
        self._answer(*_refusal(code, message, status))

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing: the endpoint has its own log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.catalog = catalog


def _refusal(code: str, message: str, status: int = 400) -> Reply:
    body = json.dumps({"__type": code, "Message": message}).encode()
    return status, {"content-type": _JSON, "x-amzn-errortype": code}, body


def serve(endpoint: str) -> str:
    """Answer on a free port of this machine from now on; the address, as a URL."""
    server = _Server(Catalog(endpoint))
    threading.Thread(target=server.serve_forever, name="catalog", daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
