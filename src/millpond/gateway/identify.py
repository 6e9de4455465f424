"""Which service a request is for, and which bucket its host names.

A signed request says it by the service in its credential scope, which the signature then covers. An
unsigned one is refused in any case; what it looks like decides only in which form. A service that
speaks several protocols is spoken to in the one that the request is in. Several services may sign
by one name (two versions of an API); what they are told apart by is the target that the request
names.

S3 requests to a bucket's own host (`bucket.s3.localhost.localstack.cloud`, `bucket.localhost`, …)
become path-style ones for the operation, while the signature is verified on what was sent.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from millpond.gateway.refusals import Trouble
from millpond.gateway.service import Service
from millpond.kernel.limits import HEADERS_SIZE_BYTES_MAX
from millpond.wire.http import Request
from millpond.wire.protocols import is_form, protocol_of, spoken_by
from millpond.wire.rpccbor import place
from millpond.wire.shape import ProtocolName, ServiceModel
from millpond.wire.sigv4_claim import claimed_service

_REGION = r"[a-z]{2,4}(?:-[a-z]+){1,3}-\d{1,2}"
_DOMAIN = r"(?:localhost|localhost\.localstack\.cloud|amazonaws\.com|amazonaws\.com\.cn)"
_BUCKET_HOSTS = (
    re.compile(
        rf"(?P<bucket>[a-z0-9._-]+)\.(?P<rest>s3(?:[.-](?:dualstack\.)?{_REGION})?\.{_DOMAIN})"
    ),
    re.compile(rf"(?!s3\.|s3\.{_REGION}\.)(?P<bucket>[a-z0-9._-]+)\.(?P<rest>localhost)"),
)
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})
_UNKNOWN = ServiceModel(
    name="unknown",
    signing_name="",
    protocol="rest-xml",
    other_protocols=("json", "query", "smithy-rpc-v2-cbor"),
    api_version="",
    json_version="1.1",
)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a request is for. `service` is None when Millpond has no such service. `model` is the
    service's in the request's protocol, or tells only how to answer. `request` is path-style;
    `endpoint` has no bucket in it. `fault` is what is wrong with the request's head, whoever it is
    for."""

    service: Service | None
    model: ServiceModel
    request: Request
    endpoint: str
    fault: Trouble | None


class _Entry:
    """A service, and its model for each of its protocols."""

    def __init__(self, service: Service | None, model: ServiceModel) -> None:
        self.service = service
        self.first = model
        self.spoken = spoken_by(model)
        self.models: Mapping[ProtocolName, ServiceModel] = {
            name: model if name == model.protocol else replace(model, protocol=name)
            for name in self.spoken
        }

    def model(self, request: Request) -> ServiceModel:
        return self.models[protocol_of(request, self.spoken)]


_NOBODY = _Entry(None, _UNKNOWN)


class Directory:
    """The services by what a request may call them."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._by_name = {service.model.name: service for service in services}
        every = [_Entry(service, service.model) for service in self._by_name.values()]
        self._by_signing_name: dict[str, list[_Entry]] = {}
        for entry in every:
            self._by_signing_name.setdefault(entry.first.signing_name, []).append(entry)
        self._by_target = {
            entry.first.target_prefix: entry for entry in every if entry.first.target_prefix
        }
        self._for_forms = next((e for e in every if e.spoken[0] == "query"), _NOBODY)
        self._for_paths = next((e for e in every if e.spoken[0] == "rest-xml"), _NOBODY)

    @property
    def by_name(self) -> Mapping[str, Service]:
        return self._by_name

    def identify(self, request: Request, claimed: str | None) -> Target:
        """Whom `request` is for; `claimed` is the service of its credential scope, if any."""
        entry = self._signed(request, claimed) if claimed else self._guess(request)
        model = entry.model(request)
        if entry is _NOBODY and claimed:
            model = replace(model, signing_name=claimed)
        bucket, host = (
            split_host(request.host) if model.signing_name == "s3" else ("", request.host)
        )
        fault = _fault(request)
        if bucket and fault is None:
            path = f"/{bucket}{request.path}" if request.path != "/" else f"/{bucket}"
            request = replace(request, path=path)
        return Target(entry.service, model, request, f"http://{host}", fault)

    def _signed(self, request: Request, claimed: str) -> _Entry:
        """Who signs by the name `claimed`: the one that is named as target, else the first."""
        entries = self._by_signing_name.get(claimed, ())
        if len(entries) > 1 and (targeted := self._targeted(request)) in entries:
            return targeted
        return entries[0] if entries else _NOBODY

    def _targeted(self, request: Request) -> _Entry | None:
        target = request.headers.get("x-amz-target") or ""
        return self._by_target.get(target.rpartition(".")[0])

    def _guess(self, request: Request) -> _Entry:
        """Whom a request without a readable credential is for, by its looks."""
        claimed = claimed_service(request)
        if claimed is not None:
            return self._signed(request, claimed)
        if "x-amz-target" in request.headers:
            return self._targeted(request) or _NOBODY
        if named := place(request.path):
            return self._by_target.get(named[0], _NOBODY)
        if is_form(request):
            return self._for_forms
        return self._for_paths


def split_host(host: str) -> tuple[str, str]:
    """The bucket that a Host header names ("" for none), and the host without it."""
    name, colon, port = host.partition(":") if "[" not in host else (host, "", "")
    if name[-1:].isdigit():
        return "", host
    name = name.lower()
    for pattern in _BUCKET_HOSTS:
        match = pattern.fullmatch(name)
        if match:
            return match["bucket"], f"{match['rest']}{colon}{port}"
    return "", host


def _fault(request: Request) -> Trouble | None:
    """Why a head cannot be taken: its path does not stand for the same thing everywhere (decoded
    once, no byte lost in it), there is not one host, the method is none of AWS's, or it is too
    long."""
    path, headers = request.path, request.headers
    hosts = headers.get_all("host")
    size = len(path) + len(request.query)
    for name in headers:
        for value in headers.get_all(name):
            size += len(name) + len(value)
    if size > HEADERS_SIZE_BYTES_MAX:
        return Trouble.HEAD_TOO_LARGE
    readable = path.startswith("/") and "\x00" not in path and "\ufffd" not in path
    known = request.method in _METHODS and len(hosts) == 1 and hosts[0] == request.host
    return None if readable and known else Trouble.UNREADABLE
