"""What operations begin with: the application or job run, and what a client token made before."""

import hashlib

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.kernel.ids import Ids
from millpond.kernel.pages import BadToken, Paging
from millpond.services.emrserverless import store
from millpond.services.emrserverless.errors import (
    Conflicting,
    Validation,
    no_application,
    no_job_run,
)
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.model.records import AT_REST, Application
from millpond.services.emrserverless.needs import Needs

_ID_LENGTH = 16


def fresh_id(ids: Ids) -> str:
    """A new id as AWS makes them: `00f1r2a3b4c5d6e7`."""
    return "00" + ids.alphanumeric(_ID_LENGTH - 2).lower()


async def require_application(
    transaction: Transaction, call: Call, application_id: str
) -> Application:
    """The application.

    Raises:
        ResourceNotFound: there is none of that id.
    """
    application = await store.load_application(transaction, call, application_id)
    if application is None:
        raise no_application(application_id)
    return application


async def require_run(
    transaction: Transaction, call: Call, application_id: str, run_id: str
) -> Flow:
    """The job run with its application.

    Raises:
        ResourceNotFound: there is none of these ids.
    """
    application = await require_application(transaction, call, application_id)
    run = await store.load_run(transaction, call, application_id, run_id)
    if run is None:
        raise no_job_run(run_id)
    return Flow(application, run)


def require_rest(application: Application) -> None:
    """Look that an application is CREATED or STOPPED.

    Raises:
        Validation: it is not.
    """
    if application.state not in AT_REST:
        raise Validation(
            f"Application {application.id} must be in one of the following statuses "
            f"[CREATED, STOPPED]. Current status: {application.state}"
        )


async def made_before(
    transaction: Transaction, call: Call, of: str, client_token: str, request: msgspec.Struct
) -> str | None:
    """The id of what an earlier, equal request with this client token made.

    Raises:
        Conflicting: the earlier request was another one.
    """
    token = await store.load_token(transaction, call, of, client_token)
    if token is None:
        return None
    if token.digest != _digest(request):
        raise Conflicting(
            f"The client token {client_token} was used for a request with other parameters."
        )
    return token.id


def remember(
    transaction: Transaction,
    call: Call,
    of: str,
    client_token: str,
    request: msgspec.Struct,
    made: str,
) -> None:
    """Remember what a client token made."""
    store.save_token(transaction, call, of, client_token, store.Token(made, _digest(request)))


def open_paging(needs: Needs, call: Call, *question: object) -> Paging:
    """The pages of a listing that was asked for with `question`."""

    def refuse(error: BadToken) -> Validation:
        return Validation(f"Invalid nextToken: {error}")

    return Paging(needs.pages, call, question, refuse)


def _digest(request: msgspec.Struct) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(request, order="deterministic")).hexdigest()
