"""DiscoverInputSchema: looks at what a stream or an object holds, and tells the schema of it."""

import msgspec

from millpond.kernel.body import gather
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.kinesisanalyticsv2 import shapes
from millpond.services.kinesisanalyticsv2.errors import (
    InvalidArgument,
    ResourceProvisionedThroughputExceeded,
    UnableToDetectSchema,
    not_implemented,
)
from millpond.services.kinesisanalyticsv2.model.schema_detection import NoSchema, detect
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.role import role_call

SAMPLE_SECONDS_MAX = 5.0
"""How long a stream is listened to: the records that come after NOW are not there yet."""
SAMPLE_RECORDS_MAX = 1_000
SAMPLE_SIZE_BYTES_MAX = 1 << 20
SHOWN_RECORDS_MAX = 100
_PAUSE_SECONDS = 0.25


async def discover_input_schema(
    needs: Needs, call: Call, request: shapes.DiscoverInputSchemaRequest
) -> shapes.DiscoverInputSchemaResponse:
    """The schema of what a Kinesis stream or an object of S3 holds, and the sample it comes from.

    Raises:
        InvalidArgument: the source cannot be read, or is none that this can read.
        UnableToDetectSchema: the sample is empty, or neither JSON nor CSV.
        ResourceProvisionedThroughputExceeded: the stream is read by too many.

    Source: API reference, DiscoverInputSchema (2018-05-23).
    """
    not_implemented(("InputProcessingConfiguration", request.input_processing_configuration))
    if (request.resource_arn is None) == (request.s3_configuration is None):
        raise InvalidArgument("Exactly one of ResourceARN and S3Configuration must be provided.")
    reader = role_call(needs, call, request.service_execution_role)
    if request.s3_configuration is not None:
        raw = await _sample_object(needs, reader, request.s3_configuration)
    else:
        assert request.resource_arn is not None
        raw = await _sample_stream(needs, reader, request)
    texts = [record.decode("utf-8", "replace") for record in raw]
    shown = texts[:SHOWN_RECORDS_MAX]
    if not texts:
        raise UnableToDetectSchema("There are no records in the source to tell a schema from.")
    try:
        detected = detect(texts)
    except NoSchema as error:
        raise _unable(str(error), shown) from error
    return shapes.DiscoverInputSchemaResponse(
        input_schema=msgspec.convert(detected.schema, shapes.SourceSchema),
        parsed_input_records=detected.rows[:SHOWN_RECORDS_MAX],
        processed_input_records=shown,
        raw_input_records=shown,
    )


def _unable(text: str, shown: list[str]) -> UnableToDetectSchema:
    return UnableToDetectSchema(f"{text} The first record: {shown[0][:200]!r}.")


async def _sample_object(needs: Needs, reader: Call, place: shapes.S3Configuration) -> list[bytes]:
    bucket = place.bucket_arn.rpartition(":")[2]
    try:
        answer = await needs.call_aws(
            reader,
            "s3",
            "GetObject",
            Bucket=bucket,
            Key=place.file_key,
            Range=f"bytes=0-{SAMPLE_SIZE_BYTES_MAX - 1}",
        )
    except ServiceError as error:
        if error.code == "InvalidRange":
            return []
        raise InvalidArgument(
            f"Unable to get the object {place.file_key} of the bucket {bucket}: {error.code}: "
            f"{error.message}"
        ) from error
    data = await gather(answer["Body"], SAMPLE_SIZE_BYTES_MAX)
    whole = len(data) < SAMPLE_SIZE_BYTES_MAX
    lines = data.split(b"\n")
    if not whole and len(lines) > 1:
        lines.pop()
    if whole and data.lstrip()[:1] in (b"[", b"{"):
        return [data]
    return [line for line in lines if line.strip()][:SAMPLE_RECORDS_MAX]


async def _sample_stream(
    needs: Needs, reader: Call, request: shapes.DiscoverInputSchemaRequest
) -> list[bytes]:
    arn = request.resource_arn or ""
    if ":kinesis:" not in arn:
        raise InvalidArgument(
            f"ResourceARN must be that of a Kinesis stream: {arn}. What was put to a delivery "
            "stream can be read only where it was delivered."
        )
    configuration = request.input_starting_position_configuration
    begins = configuration.input_starting_position if configuration is not None else None
    kind = "TRIM_HORIZON" if begins == "TRIM_HORIZON" else "LATEST"
    try:
        return await _read_stream(needs, reader, arn, kind)
    except ServiceError as error:
        if error.code in ("ProvisionedThroughputExceededException", "LimitExceededException"):
            raise ResourceProvisionedThroughputExceeded(error.message) from error
        raise InvalidArgument(f"The stream cannot be read: {error.message}") from error


async def _read_stream(needs: Needs, reader: Call, arn: str, kind: str) -> list[bytes]:
    shards = await needs.call_aws(reader, "kinesis", "ListShards", StreamARN=arn)
    iterators: list[str] = []
    for shard in shards["Shards"]:
        answer = await needs.call_aws(
            reader,
            "kinesis",
            "GetShardIterator",
            StreamARN=arn,
            ShardId=shard["ShardId"],
            ShardIteratorType=kind,
        )
        iterators.append(answer["ShardIterator"])
    found: list[bytes] = []
    end_ms = needs.clock.now_ms() + round(SAMPLE_SECONDS_MAX * 1000)
    while iterators and needs.clock.now_ms() < end_ms:
        nexts: list[str] = []
        came = 0
        for iterator in iterators:
            answer = await needs.call_aws(
                reader, "kinesis", "GetRecords", ShardIterator=iterator, Limit=SAMPLE_RECORDS_MAX
            )
            records = [bytes(record["Data"]) for record in answer["Records"]]
            came += len(records)
            found += records
            if following := answer.get("NextShardIterator"):
                nexts.append(following)
        size = sum(len(record) for record in found)
        if len(found) >= SAMPLE_RECORDS_MAX or size >= SAMPLE_SIZE_BYTES_MAX:
            break
        if found and not came:
            break
        iterators = nexts
        if not came:
            await needs.clock.sleep(_PAUSE_SECONDS)
    return found[:SAMPLE_RECORDS_MAX]
