"""What most operations begin with: the application, if it is one that version 1 knows."""

from typing import Any

from millpond.kernel.call import Call
from millpond.services.kinesisanalytics.errors import UnsupportedOperation
from millpond.services.kinesisanalytics.needs import V2, Needs
from millpond.services.kinesisanalytics.translation import SQL_RUNTIME


async def require_sql(needs: Needs, call: Call, name: str) -> dict[str, Any]:
    """Version 2's ApplicationDetail of a SQL application.

    Raises:
        ResourceNotFoundException: there is none of that name.
        UnsupportedOperation: it is no SQL application.
    """
    answer = await needs.call_aws(call, V2, "DescribeApplication", ApplicationName=name)
    detail: dict[str, Any] = answer["ApplicationDetail"]
    if detail["RuntimeEnvironment"] != SQL_RUNTIME:
        raise UnsupportedOperation(
            f"{name} was created/updated by kinesisanalyticsv2 SDK. Please use kinesisanalyticsv2 "
            f"SDK to make changes to {name}."
        )
    return detail
