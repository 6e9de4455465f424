"""What the script of a job may call, as the job's role.

There is no IAM to ask what a role may do: scripts may call the services that hold and carry data.
Source: IAM, managed policy AWSGlueServiceRole, and what Glue's examples add to it.
"""

from dataclasses import replace

from millpond.kernel.call import Call, Principal, Scope, role_session
from millpond.services.glue.crawlers import role_name
from millpond.services.glue.needs import Needs

SESSION = "GlueJobRunnerSession"
ACTIONS: tuple[str, ...] = (
    "athena:*",
    "cloudwatch:*",
    "dynamodb:*",
    "firehose:*",
    "glue:*",
    "kinesis:*",
    "logs:*",
    "s3:*",
    "sts:Get*",
)
FILE_ACTIONS: tuple[str, ...] = ("s3:GetObject", "s3:PutObject")
"""What Glue does in a job's name before and beside its script."""
LOG_ACTIONS: tuple[str, ...] = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


def short_role(role: str) -> str:
    """The name of a role that is given by name or ARN, without its path."""
    return role_name(role).rpartition("/")[2]


def principal_of(account: str, role: str) -> Principal:
    """A job's role, as far as Glue itself needs it."""
    return role_session(account, short_role(role), SESSION, (*FILE_ACTIONS, *LOG_ACTIONS))


def as_role(call: Call, role: str) -> Call:
    """`call`, made by the role of a job."""
    return replace(call, principal=principal_of(call.account, role))


def role_call(needs: Needs, scope: Scope, role: str) -> Call:
    """A call of the background, by the role of a job."""
    return Call(
        service="glue",
        operation="StartJobRun",
        account=scope.account,
        region=scope.region,
        principal=principal_of(scope.account, role),
        request_id=needs.ids.uuid(),
        endpoint=needs.endpoint(),
    )
