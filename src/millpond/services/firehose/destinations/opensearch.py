"""OpenSearch and Elasticsearch clusters: documents go there by the bulk API.

Each record is a JSON object and becomes a document of the index of its arrival time. The cluster
answers for each of them: what it has no room for now (429, 5xx) is tried again, what it refuses
(a field that does not fit its mapping) is not.

Source: Firehose Developer Guide, Index rotation for the OpenSearch Service destination, Handle
data delivery failures; API reference, DocumentIdOptions; OpenSearch documentation, Bulk.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from millpond.kernel.outgoing import Reply, Unreachable
from millpond.services.firehose.delivery.interface import (
    ELASTICSEARCH_FAILED,
    OPENSEARCH_FAILED,
    Batch,
    Delivery,
    Destination,
    Record,
    Undelivered,
)
from millpond.services.firehose.destinations.addresses import check_url, is_timeout
from millpond.services.firehose.errors import InvalidArgument, not_implemented
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.shapes import (
    AmazonopensearchserviceDestinationConfiguration,
    ElasticsearchDestinationConfiguration,
)

Settings = AmazonopensearchserviceDestinationConfiguration | ElasticsearchDestinationConfiguration
ANSWER_SECONDS_MAX = 60.0
BODY_SIZE_BYTES_MAX = 10 << 20
"""The smallest bound of a request's body among the clusters of AWS."""
_REPLY_SIZE_BYTES_MAX = 64 << 20
_ROTATIONS: Mapping[str, str] = {
    "NoRotation": "",
    "OneHour": "-%Y-%m-%d-%H",
    "OneDay": "-%Y-%m-%d",
    "OneWeek": "-%G-w%V",
    "OneMonth": "-%Y-%m",
}


class _Item(msgspec.Struct):
    status: int = 0
    error: Any = None


class _Reply(msgspec.Struct):
    items: list[dict[str, _Item]]
    errors: bool = True


class _Document(NamedTuple):
    """A record with its lines of a bulk body, and what an error record says of it."""

    record: Record
    lines: bytes
    more: Mapping[str, Any]


_encode = msgspec.json.Encoder().encode
_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_document = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def check(configuration: Settings) -> None:
    """Return if the cluster can be delivered to.

    Raises:
        InvalidArgument: its address is none, or an option is not implemented.
    """
    not_implemented(("VpcConfiguration", configuration.vpc_configuration))
    endpoint = configuration.cluster_endpoint
    if endpoint is None and configuration.domain_arn is None:
        raise InvalidArgument("Specify either DomainARN or ClusterEndpoint.")
    if endpoint is None:
        raise InvalidArgument(
            "DomainARN is not implemented: there are no domains here. Give the cluster's address "
            "as ClusterEndpoint."
        )
    if configuration.domain_arn is not None:
        raise InvalidArgument("Specify either DomainARN or ClusterEndpoint, not both.")
    check_url("ClusterEndpoint", endpoint)


def destination(needs: Needs, delivery: Delivery) -> Destination:
    """The cluster that `delivery.destination` names."""
    return SearchCluster(needs, delivery, delivery.destination)


def index_of(name: str, rotation: str | None, arrival_ms: int) -> str:
    """The index for what arrived then: by default a new one each day (UTC)."""
    suffix = _ROTATIONS[rotation or "OneDay"]
    return name + datetime.fromtimestamp(arrival_ms / 1000, UTC).strftime(suffix)


class SearchCluster:
    """Delivers batches, each in as many bulk requests as it takes."""

    def __init__(self, needs: Needs, delivery: Delivery, settings: Settings) -> None:
        assert settings.cluster_endpoint is not None
        self._needs = needs
        self._settings = settings
        self._url = settings.cluster_endpoint.rstrip("/") + "/_bulk"
        is_new = isinstance(settings, AmazonopensearchserviceDestinationConfiguration)
        self.failure_kind = OPENSEARCH_FAILED if is_new else ELASTICSEARCH_FAILED
        self._prefix = "OS" if is_new else "ES"
        options = settings.document_id_options
        self._has_ids = options is None or options.default_document_id_format == "FIREHOSE_DEFAULT"
        self._stream = blake2b(delivery.arn.encode(), digest_size=8).hexdigest()

    async def deliver(self, batch: Batch) -> Sequence[Undelivered]:
        undelivered: list[Undelivered] = []
        requests = self._requests(batch.records, undelivered)
        while documents := await asyncio.to_thread(next, requests, None):
            undelivered += await self._send(documents)
        return undelivered

    async def close(self) -> None:
        """There is nothing to let go of."""

    def document_id(self, record: Record) -> str:
        """The same on each try; unlike that of every other record of every delivery stream."""
        return f"{self._stream}.{record.arrival_ms}.{record.id}"

    def _requests(
        self, records: Sequence[Record], undelivered: list[Undelivered]
    ) -> Iterator[Sequence[_Document]]:
        """The documents by request; records that are none go to `undelivered`."""
        documents: list[_Document] = []
        size = 0
        for record in records:
            document = self._document(record)
            if isinstance(document, Undelivered):
                undelivered.append(document)
                continue
            if documents and size + len(document.lines) > BODY_SIZE_BYTES_MAX:
                yield documents
                documents, size = [], 0
            documents.append(document)
            size += len(document.lines)
        if documents:
            yield documents

    def _document(self, record: Record) -> _Document | Undelivered:
        settings = self._settings
        index = index_of(settings.index_name, settings.index_rotation_period, record.arrival_ms)
        action = {"_index": index}
        more = {"esIndexName": index}
        if settings.type_name:
            action["_type"] = more["esTypeName"] = settings.type_name
        if self._has_ids:
            action["_id"] = more["esDocumentId"] = self.document_id(record)
        source = record.data.strip()
        try:
            _decode_document(source)
            source.decode()
            if b"\n" in source or b"\r" in source:
                source = msgspec.json.format(source, indent=-1)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = (
                "One or more records are malformed. Ensure that each record is single valid JSON "
                "object and that it does not contain newlines."
            )
            return Undelivered(record, f"{self._prefix}.MalformedData", text, True, more)
        lines = _encode({"index": action}) + b"\n" + source + b"\n"
        return _Document(record, lines, more)

    async def _send(self, documents: Sequence[_Document]) -> Sequence[Undelivered]:
        try:
            reply = await self._needs.outgoing.send(
                "POST",
                self._url,
                headers={"content-type": "application/x-ndjson", "accept": "application/json"},
                body=b"".join(document.lines for document in documents),
                seconds_max=ANSWER_SECONDS_MAX,
                reply_size_bytes_max=_REPLY_SIZE_BYTES_MAX,
            )
        except Unreachable as error:
            if is_timeout(error):
                text = "Request to the cluster timed out."
                return self._all(documents, f"{self._prefix}.RequestTimeout", text)
            return self._all(documents, f"{self._prefix}.ServiceException", str(error))
        if reply.status == 413 and len(documents) > 1:
            middle = len(documents) // 2
            return [*await self._send(documents[:middle]), *await self._send(documents[middle:])]
        if reply.status != 200:
            told = reply.body[:1000].decode(errors="replace")
            is_final = reply.status == 413
            return self._all(documents, str(reply.status), told, is_final)
        return await asyncio.to_thread(self._judge, documents, reply)

    def _judge(self, documents: Sequence[_Document], reply: Reply) -> Sequence[Undelivered]:
        try:
            answer = _decode_reply(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = None
        if answer is None or len(answer.items) != len(documents):
            text = "The cluster's answer is not that of the bulk API."
            return self._all(documents, f"{self._prefix}.ServiceException", text)
        undelivered: list[Undelivered] = []
        for document, named in zip(documents, answer.items, strict=True):
            item = next(iter(named.values()), _Item())
            if 200 <= item.status < 300:
                continue
            is_final = item.status != 429 and 400 <= item.status < 500
            undelivered.append(
                Undelivered(
                    document.record,
                    str(item.status),
                    _reason(item.error),
                    is_final,
                    document.more,
                )
            )
        return undelivered

    @staticmethod
    def _all(
        documents: Sequence[_Document], code: str, message: str, is_final: bool = False
    ) -> Sequence[Undelivered]:
        return [
            Undelivered(document.record, code, message, is_final, document.more)
            for document in documents
        ]


def _reason(error: Any) -> str:
    """What a cluster says of an item, in one line."""
    if not isinstance(error, dict):
        return str(error)
    text = f"{error.get('type')}: {error.get('reason')}"
    cause = error.get("caused_by")
    return f"{text} ({_reason(cause)})" if isinstance(cause, dict) else text
