"""The vocabulary of generated `shapes.py`: how a member travels, and what a service offers.

A generated Struct has Python names inside and AWS names outside (msgspec `rename`). Its fields'
types carry markers in `Annotated[...]`: msgspec's own `Meta` for constraints, and the ones below
for where and how a protocol puts the member. Timestamps are epoch seconds (float), blobs are
bytes, a streaming payload is a `kernel.body.Body`, an event stream an async iterator of Structs.

Event streams
-------------
An operation that answers with an event stream (Kinesis SubscribeToShard) returns at once, with an
async generator of the events' own Structs in the member of its output:

    async def subscribe_to_shard(needs, call, request):
        shard = await find_shard(...)  # a refusal up to here is an ordinary error answer
        return SubscribeToShardOutput(event_stream=_events(needs, shard))

    async def _events(needs, shard) -> AsyncIterator[SubscribeToShardEvent]:
        while ...:
            yield SubscribeToShardEvent(records=..., millis_behind_latest=0, ...)

* Each event leaves at once. The wire tells an event's name by its type, and sends the
  `initial-response` that JSON protocols begin with before the first event is asked for.
* The generator ends the stream by returning. A `ServiceError` that it raises ends it too: as an
  exception event when the model lists the code among the stream's exceptions, else as an error
  event. Whatever else it raises is logged and told as an internal failure.
* It is asked for its next event only when the client has room for it. When the client goes away,
  reads too slowly, or the server stops, it is cancelled where it waits (CancelledError) or closed
  where it yielded (GeneratorExit): what it holds it takes inside, and releases in its `finally`.
* A `Conflict` is not repeated in it: it has no transaction of the operation's any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec


@dataclass(frozen=True, slots=True)
class Header:
    """The member travels in this HTTP header."""

    name: str


@dataclass(frozen=True, slots=True)
class Headers:
    """The member is a map that travels in all headers with this prefix (`x-amz-meta-`)."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Query:
    """The member travels in this query-string parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Uri:
    """The member is a label of the path (`{Bucket}`, `{Key+}`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Status:
    """The member is the HTTP status code."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The member alone is the body."""

    streaming: bool = False


@dataclass(frozen=True, slots=True)
class EventStream:
    """The member is an async iterator of events, each a frame of the answer.

    `events` names them in the order of the types in the member's annotation; `exceptions` are the
    error codes that the model lists among the events.
    """

    events: tuple[str, ...]
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Xml:
    """How the member looks in XML (and, for lists and maps, in the query protocol)."""

    name: str = ""
    attribute: bool = False
    flattened: bool = False
    item: str = "member"
    key: str = "key"
    value: str = "value"
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """The member is a time: epoch seconds inside, this format outside."""

    format: Literal["unixTimestamp", "iso8601", "rfc822"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its HTTP binding and its typed request and answer (None: it has none)."""

    name: str
    method: str = "POST"
    uri: str = "/"
    status: int = 200
    input: type[msgspec.Struct] | None = None
    output: type[msgspec.Struct] | None = None
    input_root: str = ""
    """REST-XML: the name of the request's root element, where the whole input is the body."""
    result_wrapper: str = ""
    """query: the element around the answer's members (`GetCallerIdentityResult`)."""
    checksum_required: bool = False
    query: tuple[str, ...] = ()
    """REST: the query parameters that tell it from others with the same method and path."""
    headers: tuple[str, ...] = ()
    """REST: the headers that do, in lower case (`x-amz-copy-source`)."""
    output_root: str = ""
    """REST-XML: the name of the answer's root element."""
    unwrapped: bool = False
    """REST-XML: the answer's only member is the root element's text (GetBucketLocation)."""


ProtocolName = Literal[
    "json", "json-cbor", "query", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"
]  # fmt: skip
"""AWS's protocols by botocore's names, and `json-cbor`: AWS JSON with CBOR in place of the JSON,
which Java's SDK sends to Kinesis."""


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """What the wire must know of a service. `absent` are the operations that AWS has and we do
    not: they are routed and refused by name."""

    name: str
    """Our name for it and the folder's: `s3`, `glue`, `emr`."""
    signing_name: str
    """The service in a signature's scope: `s3`, `glue`, `elasticmapreduce`."""
    protocol: ProtocolName
    """The protocol of the requests and answers that this model is used for: the first one of
    the service in its `shapes.MODEL`, a request's own behind the gateway's directory."""
    api_version: str
    other_protocols: tuple[ProtocolName, ...] = ()
    """What else the service speaks. Each request is answered in its own protocol."""
    json_version: str = ""
    target_prefix: str = ""
    namespace: str = ""
    validation_code: str = "ValidationException"
    """The error code for a request that breaks the model's constraints."""
    message_member: str = "message"
    """How the service's own errors spell the member with the message."""
    query_codes: Mapping[str, str] = field(default_factory=dict)
    """Of a service that has left the query protocol behind: the codes that its errors have there,
    by the names that they have elsewhere, where the two differ."""
    operations: Mapping[str, Operation] = field(default_factory=dict)
    absent: Mapping[str, Operation] = field(default_factory=dict)
