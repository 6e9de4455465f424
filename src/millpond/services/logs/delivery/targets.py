"""Where a subscription's payloads go: a Kinesis stream or a Firehose delivery stream."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from millpond.kernel.call import Call, Scope, role_session
from millpond.kernel.errors import EngineError, ServiceError
from millpond.services.logs.delivery.payload import control_message
from millpond.services.logs.errors import InvalidParameter
from millpond.services.logs.needs import CALLS, Needs

RECORDS_AT_ONCE = 100
SIZE_BYTES_AT_ONCE = 3_500_000
"""Of one call; a call of Firehose takes 4 MiB."""

_ACTIONS = tuple(f"{service}:{operation}" for service, operation in CALLS if service != "s3")
_TARGET = re.compile(
    r"arn:aws:(?:(kinesis):([^:]*):([^:]*):stream/|(firehose):([^:]*):([^:]*):deliverystream/)"
    r"([a-zA-Z0-9_.-]+)"
)


class Record(NamedTuple):
    """A payload, and for Kinesis the key that chooses the shard."""

    key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """A stream, and the role by which it is written."""

    service: str
    name: str
    arn: str
    role_arn: str

    @property
    def title(self) -> str:
        return "Kinesis stream" if self.service == "kinesis" else "Firehose stream"

    @property
    def kind(self) -> str:
        """The word for it in metrics."""
        return "Kinesis" if self.service == "kinesis" else "Firehose"

    async def send(self, needs: Needs, scope: Scope, records: Sequence[Record]) -> list[str | None]:
        """Send records; for each the reason why it was not taken, or None.

        A call that fails fails for all of its records.
        """
        call = _call_as(needs, scope, self.role_arn)
        try:
            if self.service == "kinesis":
                answer = await needs.call_aws(
                    call,
                    "kinesis",
                    "PutRecords",
                    StreamARN=self.arn,
                    Records=[{"Data": data, "PartitionKey": key} for key, data in records],
                )
                results = answer["Records"]
            else:
                answer = await needs.call_aws(
                    call,
                    "firehose",
                    "PutRecordBatch",
                    DeliveryStreamName=self.name,
                    Records=[{"Data": data} for _, data in records],
                )
                results = answer["RequestResponses"]
        except ServiceError as error:
            return [error.code] * len(records)
        except EngineError as error:
            return [type(error).__name__] * len(records)
        return [result.get("ErrorCode") for result in results]

    async def check(self, needs: Needs, scope: Scope) -> None:
        """Send the message that tells whether the target can be reached.

        Raises:
            InvalidParameter: it cannot.
        """
        data = control_message(self.title, needs.clock.now_ms())
        (failure,) = await self.send(needs, scope, [Record("control", data)])
        if failure is not None:
            raise InvalidParameter(
                f"Could not deliver test message to specified {self.title}. Check if the given "
                f"{self.title} is in ACTIVE state."
            )


def read_target(scope: Scope, arn: str, role_arn: str | None) -> Target:
    """The stream that an ARN names.

    Raises:
        InvalidParameter: it is the ARN of something else, or of another account or region, or
            there is no role.
    """
    if arn.startswith("arn:aws:lambda:"):
        raise InvalidParameter("Lambda functions as destinations are not implemented.")
    found = _TARGET.fullmatch(arn)
    if found is None:
        raise InvalidParameter(f"{arn} is not the ARN of a Kinesis stream or a Firehose stream.")
    service = found.group(1) or found.group(4)
    region, account = found.group(2) or found.group(5), found.group(3) or found.group(6)
    if (account, region) != (scope.account, scope.region):
        raise InvalidParameter(f"{arn} is not in the account and region of the log group.")
    if not role_arn:
        raise InvalidParameter(f"destinationArn for vendor {service} requires a roleArn.")
    return Target(service, found.group(7), arn, role_arn)


def _call_as(needs: Needs, scope: Scope, role_arn: str) -> Call:
    return Call(
        service="logs",
        operation="Deliver",
        account=scope.account,
        region=scope.region,
        principal=role_session(scope.account, role_arn, "logs", _ACTIONS),
        request_id=needs.ids.uuid(),
        endpoint="",
    )
