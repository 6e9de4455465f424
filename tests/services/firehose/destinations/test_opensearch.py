"""The bulk API, spoken to a small cluster that implements it."""

import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.firehose.delivery.interface import Batch
from millpond.services.firehose.destinations import opensearch
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import (
    AmazonopensearchserviceDestinationConfiguration,
    DocumentIdOptions,
    ElasticsearchDestinationConfiguration,
    S3DestinationConfiguration,
)

ROLE = "arn:aws:iam::000000000000:role/r"
S3 = S3DestinationConfiguration(role_arn=ROLE, bucket_arn="arn:aws:s3:::b")
DOMAIN = "arn:aws:es:us-east-1:000000000000:domain/search"


def settings(url: str | None, **more: Any) -> AmazonopensearchserviceDestinationConfiguration:
    return AmazonopensearchserviceDestinationConfiguration(
        role_arn=ROLE, cluster_endpoint=url, index_name="web", s3_configuration=S3, **more
    )


class Cluster:
    """Indexes documents; those with `n` that is no number are refused, as a mapping would, and
    `busy` counts how often the next documents find no room."""

    def __init__(self, body_size_bytes_max: int = 1 << 30) -> None:
        self.documents: dict[tuple[str, str], Any] = {}
        self.busy = 0
        self.requests = 0
        self.refusing = 0
        self._limit = body_size_bytes_max

    async def __call__(self, request: web.Request) -> web.Response:
        self.requests += 1
        body = await request.read()
        if request.path != "/_bulk" or request.content_type != "application/x-ndjson":
            return web.Response(status=406)
        if self.refusing:
            return web.Response(status=self.refusing, text="no entry")
        if len(body) > self._limit:
            return web.Response(status=413)
        lines = body.split(b"\n")
        assert lines.pop() == b"", "a bulk body ends with a line feed"
        items = [
            self._index(json.loads(action)["index"], json.loads(source))
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        errors = any("error" in item["index"] for item in items)
        return web.json_response({"took": 1, "errors": errors, "items": items})

    def _index(self, action: dict[str, str], source: Any) -> dict[str, Any]:
        if self.busy:
            self.busy -= 1
            error = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
            return {"index": {"_index": action["_index"], "status": 429, "error": error}}
        if not isinstance(source.get("n", 0), int):
            cause = {"type": "number_format_exception", "reason": "For input string"}
            error = {
                "type": "mapper_parsing_exception",
                "reason": "failed to parse field [n]",
                "caused_by": cause,
            }
            return {"index": {"_index": action["_index"], "status": 400, "error": error}}
        name = action.get("_id", f"generated-{len(self.documents)}")
        is_new = (action["_index"], name) not in self.documents
        self.documents[action["_index"], name] = source
        return {
            "index": {"_index": action["_index"], "_id": name, "status": 201 if is_new else 200}
        }


async def test_documents_are_indexed_once_however_often_they_are_sent(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    cluster = Cluster()
    one = opensearch.destination(needs, delivery_to(settings(await serve(cluster))))
    batch = batch_of(b'{"n":1}', b'{\n "n": 2,\r\n "t": "a\\nb"}\n')
    assert await one.deliver(batch) == []
    assert await one.deliver(batch) == []
    assert list(cluster.documents.values()) == [{"n": 1}, {"n": 2, "t": "a\nb"}]
    assert {index for index, _ in cluster.documents} == {"web-2016-02-25"}


async def test_without_ids_the_cluster_makes_them(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    cluster = Cluster()
    options = DocumentIdOptions(default_document_id_format="NO_DOCUMENT_ID")
    asked = settings(await serve(cluster), document_id_options=options)
    one = opensearch.destination(needs, delivery_to(asked))
    for _ in range(2):
        assert await one.deliver(batch_of(b'{"n":1}')) == []
    assert len(cluster.documents) == 2


async def test_items_fail_alone_for_good_or_for_now(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    cluster = Cluster()
    cluster.busy = 1
    one = opensearch.destination(
        needs, delivery_to(settings(await serve(cluster), type_name="doc"))
    )
    batch: Batch = batch_of(b'{"n":0}', b'{"n":"x"}', b"[1]", b'{"n":3}', b'{"n":', b'{"t":"\xff"}')
    undelivered = {lost.record.id: lost for lost in await one.deliver(batch)}
    assert {name: (lost.code, lost.is_final) for name, lost in undelivered.items()} == {
        "0": ("429", False),
        "1": ("400", True),
        "2": ("OS.MalformedData", True),
        "4": ("OS.MalformedData", True),
        "5": ("OS.MalformedData", True),
    }
    assert undelivered["1"].message == (
        "mapper_parsing_exception: failed to parse field [n] "
        "(number_format_exception: For input string)"
    )
    more = undelivered["1"].more
    assert (more["esIndexName"], more["esTypeName"]) == ("web-2016-02-25", "doc")
    again = Batch(batch.id, [undelivered["0"].record], 2)
    assert await one.deliver(again) == []
    assert sorted(source["n"] for source in cluster.documents.values()) == [0, 3]
    assert more["esDocumentId"].endswith(".1")


async def test_bodies_that_are_too_large_are_halved_until_they_fit(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    cluster = Cluster(body_size_bytes_max=1000)
    one = opensearch.destination(needs, delivery_to(settings(await serve(cluster))))
    data = [json.dumps({"n": n, "pad": "x" * 200}).encode() for n in range(8)]
    data.append(json.dumps({"n": 9, "pad": "x" * 2000}).encode())
    undelivered = await one.deliver(batch_of(*data))
    assert [(lost.record.id, lost.code, lost.is_final) for lost in undelivered] == [
        ("8", "413", True)
    ]
    assert len(cluster.documents) == 8


async def test_large_batches_are_several_requests(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opensearch, "BODY_SIZE_BYTES_MAX", 200)
    cluster = Cluster()
    one = opensearch.destination(needs, delivery_to(settings(await serve(cluster))))
    assert await one.deliver(batch_of(*[b'{"n":1}'] * 5)) == []
    assert (cluster.requests, len(cluster.documents)) == (3, 5)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_a_cluster_that_refuses_is_tried_again(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any, status: int
) -> None:
    cluster = Cluster()
    cluster.refusing = status
    one = opensearch.destination(needs, delivery_to(settings(await serve(cluster))))
    (lost,) = await one.deliver(batch_of(b"{}"))
    assert (lost.code, lost.message, lost.is_final) == (str(status), "no entry", False)


async def test_no_cluster_and_other_servers_are_tried_again(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.json_response({"hello": "world"})

    for url in ("http://127.0.0.1:1", await serve(other)):
        one = opensearch.destination(needs, delivery_to(settings(url)))
        (lost,) = await one.deliver(batch_of(b"{}"))
        assert (lost.code, lost.is_final) == ("OS.ServiceException", False)


@pytest.mark.parametrize(
    ("rotation", "index"),
    [
        ("NoRotation", "web"),
        ("OneHour", "web-2016-02-25-13"),
        ("OneDay", "web-2016-02-25"),
        ("OneWeek", "web-2016-w08"),
        ("OneMonth", "web-2016-02"),
        (None, "web-2016-02-25"),
    ],
)
def test_indexes_rotate_with_the_time_of_arrival(rotation: str | None, index: str) -> None:
    assert opensearch.index_of("web", rotation, 1_456_405_200_000) == index


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 4_000_000_000_000))
def test_documents_of_one_index_arrived_in_one_day(first: int, second: int) -> None:
    day = 24 * 3600 * 1000
    same = opensearch.index_of("i", "OneDay", first) == opensearch.index_of("i", "OneDay", second)
    assert same == (first // day == second // day)


async def test_elasticsearch_has_codes_and_a_folder_of_its_own(
    needs: Any, delivery_to: Any, batch_of: Any
) -> None:
    asked = ElasticsearchDestinationConfiguration(
        role_arn=ROLE, cluster_endpoint="http://127.0.0.1:1", index_name="i", s3_configuration=S3
    )
    opensearch.check(asked)
    one = opensearch.destination(needs, delivery_to(asked))
    assert one.failure_kind == "elasticsearch-failed"
    assert (await one.deliver(batch_of(b"x")))[0].code == "ES.MalformedData"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (settings(None), "either DomainARN or ClusterEndpoint"),
        (settings(None, domain_arn=DOMAIN), "DomainARN is not implemented.*ClusterEndpoint"),
        (settings("https://x", domain_arn=DOMAIN), "not both"),
        (settings("https:nothing"), "ClusterEndpoint must be"),
    ],
)
def test_what_cannot_be_delivered_to_is_refused_by_name(asked: Any, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        opensearch.check(asked)
