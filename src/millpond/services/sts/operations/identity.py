"""Who is calling."""

from millpond.kernel.call import Call
from millpond.services.sts.needs import Needs
from millpond.services.sts.shapes import GetCallerIdentityRequest, GetCallerIdentityResponse


async def get_caller_identity(
    needs: Needs, call: Call, request: GetCallerIdentityRequest
) -> GetCallerIdentityResponse:
    """The account, ARN and unique id of whoever signed the request.

    No permission is needed, as in AWS: the answer tells nothing that a refusal would not.

    Source: STS API reference, GetCallerIdentity (2011-06-15).
    """
    return GetCallerIdentityResponse(
        user_id=call.principal.user_id, account=call.account, arn=call.principal.arn
    )
