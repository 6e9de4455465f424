"""A signed call of a JSON operation: what `millpond status` asks its server with."""

import http.client
import io
import json
from typing import Any
from urllib.parse import urlsplit

from awscrt.auth import (
    AwsCredentialsProvider,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest
from awscrt.io import InputStream

from millpond.app.credentials import KeyPair

_SECONDS_MAX = 10.0


class CallFailed(Exception):
    """The server refused, or did not answer; the message says which and why."""


class Client:
    """Calls operations of the JSON protocols with the root's key pair."""

    def __init__(self, endpoint: str, region: str, pair: KeyPair) -> None:
        address = urlsplit(endpoint)
        self._host = address.hostname or ""
        self._port = address.port or 80
        self._netloc = address.netloc
        self._region = region
        self._credentials = AwsCredentialsProvider.new_static(
            pair.access_key_id, pair.secret_access_key
        )

    def call(self, service: str, target: str, **members: Any) -> Any:
        """The answer of `target` (`AWSGlue.GetCrawlers`); `service` is its signing name.

        Raises:
            CallFailed: it was refused, or there was no answer.
        """
        payload = json.dumps(members).encode()
        headers = {
            "host": self._netloc,
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": target,
        }
        signed = self._sign(service, headers, payload)
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_SECONDS_MAX)
        try:
            connection.request("POST", "/", body=payload, headers=signed)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise CallFailed(f"{target}: no answer from {self._netloc}: {error}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise CallFailed(f"{target}: {answer.status} {body.decode(errors='replace')}")
        return json.loads(body)

    def _sign(self, service: str, headers: dict[str, str], payload: bytes) -> dict[str, str]:
        request = HttpRequest(
            "POST", "/", HttpHeaders(list(headers.items())), InputStream(io.BytesIO(payload))
        )
        config = AwsSigningConfig(
            algorithm=AwsSigningAlgorithm.V4,
            credentials_provider=self._credentials,
            region=self._region,
            service=service,
        )
        aws_sign_request(request, config).result(_SECONDS_MAX)
        return dict(request.headers)
