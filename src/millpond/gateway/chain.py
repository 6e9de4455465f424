"""The chain: how a request becomes a call of an operation, and its outcome an answer.

`Gateway._steps` is the whole of it, in order. Each step reads the exchange and adds to it; a
refusal in any of them ends the chain, in the protocol of the service that the request is for.
Nothing but the health check is answered without a signature.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from millpond import __version__
from millpond.gateway.authenticate import Authenticated, authenticate
from millpond.gateway.authorise import authorise, authorise_items
from millpond.gateway.bodies import VerifiedBody, gather_limited
from millpond.gateway.compression import decompress, is_compressed
from millpond.gateway.dispatch import run
from millpond.gateway.identify import Directory, Target
from millpond.gateway.refusals import Trouble, refuse
from millpond.gateway.service import Service
from millpond.kernel.body import Body, BytesBody
from millpond.kernel.call import Call
from millpond.kernel.clock import Clock
from millpond.kernel.credentials import Credentials
from millpond.kernel.errors import ServiceError
from millpond.kernel.ids import Ids
from millpond.kernel.limits import BODY_GATHERED_BYTES_MAX
from millpond.wire.errors import NotImplementedByMillpond
from millpond.wire.http import Answer, Request
from millpond.wire.protocols import WireProtocol, protocol_for
from millpond.wire.shape import Operation, ProtocolName
from millpond.wire.sigv2 import OldClaim, read_old_claim
from millpond.wire.sigv4_claim import Claim, Reason, Refused, read_claim

HEALTH_PATH = "/_millpond/health"
_HEALTHY = json.dumps({"status": "ready", "version": __version__}).encode()

_log = logging.getLogger("millpond.gateway")


@dataclass(slots=True)
class Exchange:
    """One request on its way through the chain; each step fills in what it finds out."""

    sent: Request
    body: Body
    claim: Claim | OldClaim | Refused
    target: Target
    protocol: WireProtocol
    request_id: str
    who: Authenticated = field(init=False)
    service: Service = field(init=False)
    operation: Operation = field(init=False)
    operation_name: str = ""
    input: Any = None
    output: Any = None
    answer: Answer = field(init=False)


class Gateway:
    """The `services` (by our names) of one account, behind one address.

    `region` is where a call acts whose signature names none (presigned URLs of Version 2).
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        credentials: Credentials,
        account: str,
        clock: Clock,
        ids: Ids,
        region: str = "us-east-1",
    ) -> None:
        self._region = region
        self._credentials = credentials
        self._account = account
        self._clock = clock
        self._ids = ids
        self._directory = Directory(services.values())
        self._protocols: dict[tuple[str, ProtocolName], WireProtocol] = {}
        self._steps = (
            self._authenticate,
            self._decompress,
            self._find_operation,
            self._authorise,
            self._parse,
            self._dispatch,
            self._serialize,
        )

    async def answer(self, request: Request, body: Body) -> Answer:
        """The answer to a request. Does not raise, but for its own cancellation."""
        unsigned = not request.query and "authorization" not in request.headers
        if request.path == HEALTH_PATH and unsigned:
            return _health(request)
        exchange = self._identify(request, body)
        try:
            for step in self._steps:
                await step(exchange)
        except ServiceError as refusal:
            exchange.answer = _refusal(exchange, refusal)
        except Exception:
            _log.exception("%s [%s] failed", exchange.target.model.name, exchange.request_id)
            exchange.answer = _refusal(exchange, refuse(exchange.target.model, Trouble.INTERNAL))
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug(
                "%s [%s] %s %s: %d",
                exchange.target.model.name,
                exchange.request_id,
                request.method,
                exchange.operation_name,
                exchange.answer.status,
            )
        return exchange.answer

    def _identify(self, request: Request, body: Body) -> Exchange:
        """Which service the request is for; a claim that cannot be read is refused later, in the
        form of that service."""
        claim = _read_claim(request)
        target = self._directory.identify(
            request, None if isinstance(claim, Refused) else claim.service
        )
        s3 = target.model.signing_name == "s3"
        request_id = self._ids.hex(8).upper() if s3 else self._ids.uuid()
        spoken = (target.model.name, target.model.protocol)
        protocol = self._protocols.get(spoken)
        if protocol is None:
            protocol = self._protocols[spoken] = protocol_for(target.model)
        return Exchange(request, body, claim, target, protocol, request_id)

    async def _authenticate(self, exchange: Exchange) -> None:
        target = exchange.target
        if target.fault:
            raise refuse(target.model, target.fault)
        exchange.who = await authenticate(
            exchange.claim,
            sent=exchange.sent,
            request=target.request,
            body=exchange.body,
            model=target.model,
            credentials=self._credentials,
            now_ms=self._clock.now_ms(),
        )

    async def _decompress(self, exchange: Exchange) -> None:
        who = exchange.who
        if isinstance(who.body, bytes) and is_compressed(who.request):
            exchange.who = replace(who, body=decompress(exchange.target.model, who.body))

    async def _find_operation(self, exchange: Exchange) -> None:
        target, who = exchange.target, exchange.who
        if target.service is None:
            raise NotImplementedByMillpond("the service", repr(target.model.signing_name))
        body = who.body if isinstance(who.body, bytes) else None
        exchange.service = target.service
        exchange.operation = exchange.protocol.identify(who.request, body)
        exchange.operation_name = exchange.operation.name

    async def _authorise(self, exchange: Exchange) -> None:
        authorise(exchange.who.principal, exchange.target.model, exchange.operation_name)

    async def _parse(self, exchange: Exchange) -> None:
        who, operation = exchange.who, exchange.operation
        body = who.body
        if not isinstance(body, bytes) and not exchange.protocol.streams(operation):
            content = await gather_limited(exchange.target.model, body, BODY_GATHERED_BYTES_MAX)
            body = BytesBody(content, body.trailers)
        exchange.input = exchange.protocol.parse(operation, who.request, body)
        authorise_items(who.principal, exchange.target.model, operation.name, exchange.input)

    async def _dispatch(self, exchange: Exchange) -> None:
        target, who = exchange.target, exchange.who
        call = Call(
            service=target.model.name,
            operation=exchange.operation_name,
            account=self._account,
            region=who.region or self._region,
            principal=who.principal,
            request_id=exchange.request_id,
            endpoint=target.endpoint,
        )
        body = who.body

        def may_repeat() -> bool:
            return not (isinstance(body, VerifiedBody) and body.begun)

        streams = exchange.protocol.streams(exchange.operation)
        exchange.output = await run(
            exchange.service, call, exchange.input, may_repeat=may_repeat if streams else None
        )

    async def _serialize(self, exchange: Exchange) -> None:
        exchange.answer = exchange.protocol.serialize(
            exchange.operation, exchange.output, exchange.request_id
        )


def _read_claim(request: Request) -> Claim | OldClaim | Refused:
    try:
        return read_claim(request)
    except Refused as refused:
        if refused.reason is not Reason.PRESIGNED_V2:
            return refused
    try:
        return read_old_claim(request)
    except Refused as refused:
        return refused


def _refusal(exchange: Exchange, refusal: ServiceError) -> Answer:
    return exchange.protocol.serialize_error(
        refusal,
        exchange.request_id,
        resource=exchange.target.request.path,
        head=exchange.sent.method == "HEAD",
    )


def _health(request: Request) -> Answer:
    """Whether the platform is ready; the only thing that is told without a signature."""
    if request.method not in {"GET", "HEAD"}:
        return Answer(405, [("allow", "GET, HEAD")])
    return Answer(200, [("content-type", "application/json")], _HEALTHY)
