"""What most operations begin with: which application, as which version, and may it be changed."""

from collections.abc import Container

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.kernel.ids import Ids
from millpond.services.kinesisanalyticsv2 import store
from millpond.services.kinesisanalyticsv2.errors import (
    ConcurrentModification,
    InvalidArgument,
    ResourceInUse,
    ResourceNotFound,
    UnsupportedOperation,
)
from millpond.services.kinesisanalyticsv2.model.application import Application, Version

AT_REST = ("READY", "RUNNING")
"""The statuses in which an application may be changed."""


async def require_application(transaction: Transaction, call: Call, name: str) -> Application:
    """The application.

    Raises:
        ResourceNotFound: there is none of that name.
    """
    application = await store.load_application(transaction, call, name)
    if application is None:
        raise ResourceNotFound(f"Application not found: {name}")
    return application


async def require_both(
    transaction: Transaction, call: Call, name: str
) -> tuple[Application, Version]:
    """The application and its current version.

    Raises:
        ResourceNotFound: there is none of that name.
    """
    application = await require_application(transaction, call, name)
    version = await store.load_version(transaction, call, application)
    assert version is not None
    return application, version


def require_flink(version: Version, what: str) -> None:
    """Raises: UnsupportedOperation: a SQL application has no such thing."""
    if version.is_sql:
        raise UnsupportedOperation(f"{what} is not supported for {version.runtime} applications.")


def require_status(application: Application, allowed: Container[str], what: str) -> None:
    """Raises: ResourceInUse: the application is in another status."""
    if application.status not in allowed:
        raise ResourceInUse(
            f"Application {application.name} cannot be {what}: it is in the status "
            f"{application.status}."
        )


def require_current(
    application: Application, version: Version, number: int | None, token: str | None
) -> None:
    """The caller knows the application as it is.

    Raises:
        InvalidArgument: the request says neither the version nor the token, or both.
        ConcurrentModification: it was changed since.
    """
    if (number is None) == (token is None):
        raise InvalidArgument(
            "Exactly one of CurrentApplicationVersionId and ConditionalToken must be provided."
        )
    if number is not None and number != application.version:
        raise ConcurrentModification(
            f"The application is at version {application.version}, not {number}."
        )
    if token is not None and token != version.token:
        raise ConcurrentModification("The ConditionalToken is not that of the application.")


def new_token(ids: Ids) -> str:
    return ids.hex(32)
