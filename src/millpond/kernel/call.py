"""Who calls what: the facts of a request that an operation may know. No HTTP in here."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `actions` are the patterns (`s3:*`, `glue:Get*`) it may call."""

    arn: str
    user_id: str
    access_key_id: str
    actions: tuple[str, ...] = ("*",)


def role_session(account: str, role_arn: str, session: str, actions: tuple[str, ...]) -> Principal:
    """A service that works for a resource, as the role that the resource was given.

    `actions` are what that work needs: there is no IAM yet to ask what the role may do.
    """
    role = role_arn.rpartition("/")[2]
    return Principal(
        arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        user_id=f"{role}:{session}",
        access_key_id="",
        actions=actions,
    )


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one operation.

    `endpoint` is the address the client used, such as `http://127.0.0.1:4566`, without a path.
    """

    service: str
    operation: str
    account: str
    region: str
    principal: Principal
    request_id: str
    endpoint: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this call's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


class Scope(Protocol):
    """Whose resources: a call, a task and what is stored for an account and region all say."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...


class Caller(Protocol):
    """Calls another service's operation in this process, through the same dispatch as a request.

    `members` and the answer carry AWS's member names and boto3's value types, except that
    timestamps are epoch seconds and a streaming member is a `kernel.body.Body`:
    `await needs.call_aws(call, "glue", "GetTable", DatabaseName="d", Name="t")`.

    Raises:
        ServiceError: the other operation's refusal, with its own code.
    """

    async def __call__(
        self, call: Call, service: str, operation: str, /, **members: Any
    ) -> dict[str, Any]: ...
