"""A server on the toy services for all tests of the gateway, and clients for it."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.gateway.toy import KEY, SECRET, Running, Shelf, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(Shelf(tmp_path_factory.mktemp("shelf"))) as started:
        yield started


@pytest.fixture
def shelf(server: Running) -> Shelf:
    """The server's shelf, empty."""
    server.shelf.objects.clear()
    server.shelf.seen.clear()
    server.shelf.calls.clear()
    server.shelf.conflicts = server.shelf.streamed = server.shelf.sent = 0
    server.shelf.abandoned.clear()
    return server.shelf


@pytest.fixture
def client(server: Running) -> Callable[..., Any]:
    """Makes a boto3 client; keywords are the Config's, but for those of `boto3.client`."""

    def make(service: str, **settings: Any) -> Any:
        session = {
            name: settings.pop(name)
            for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
            if name in settings
        }
        return boto3.client(
            service,
            endpoint_url=settings.pop("endpoint_url", server.endpoint),
            region_name=settings.pop("region_name", "eu-central-1"),
            config=Config(retries={"total_max_attempts": 1}, **settings),
            **{"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, **session},
        )

    return make


@pytest.fixture
def local_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name under `localhost` is this machine, as most systems' resolvers have it."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        local = isinstance(host, str) and host.endswith("localhost")
        return resolve("127.0.0.1" if local else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
