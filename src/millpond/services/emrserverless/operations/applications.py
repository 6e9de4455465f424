"""Applications: create, look at, change, start, stop, delete."""

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.emrserverless import shapes, store
from millpond.services.emrserverless.answers import show_application, show_application_summary
from millpond.services.emrserverless.errors import Validation
from millpond.services.emrserverless.model.applications import (
    change_application,
    check_application,
    read_engine,
)
from millpond.services.emrserverless.model.flow import Flow
from millpond.services.emrserverless.model.records import Application
from millpond.services.emrserverless.model.tags import check_tags
from millpond.services.emrserverless.needs import Needs
from millpond.services.emrserverless.operations.paging import PAGE_SIZE_MAX, Page
from millpond.services.emrserverless.operations.scope import (
    fresh_id,
    made_before,
    open_paging,
    remember,
    require_application,
    require_rest,
)


async def create_application(
    needs: Needs, call: Call, request: shapes.CreateApplicationRequest
) -> shapes.CreateApplicationResponse:
    """Make an application, which is CREATED in a moment. A client token makes one.

    Raises:
        Validation: AWS would refuse it, or it asks for what is not installed or implemented.
        Conflicting: the client token made another one.

    Source: EMR Serverless API reference, CreateApplication (2021-07-13).
    """
    now_ms = needs.clock.now_ms()
    engine = read_engine(request.type)
    async with needs.records.transaction() as transaction:
        application_id = await made_before(
            transaction, call, "application", request.client_token, request
        )
        if application_id is not None:
            application = await require_application(transaction, call, application_id)
        else:
            application_id = fresh_id(needs.ids)
            application = Application(
                id=application_id,
                arn=call.arn("emr-serverless", f"/applications/{application_id}"),
                engine=engine,
                asked=check_application(request, engine, needs.sparks),
                created_ms=now_ms,
                updated_ms=now_ms,
                tags=check_tags(request.tags or {}),
            )
            store.add_application(transaction, call, application)
            remember(
                transaction, call, "application", request.client_token, request, application_id
            )
    return shapes.CreateApplicationResponse(
        application_id=application.id, name=application.asked.name, arn=application.arn
    )


async def get_application(
    needs: Needs, call: Call, request: shapes.GetApplicationRequest
) -> shapes.GetApplicationResponse:
    """An application: its state and what was asked for.

    Source: EMR Serverless API reference, GetApplication.
    """
    async with needs.records.transaction() as transaction:
        application = await require_application(transaction, call, request.application_id)
    return shapes.GetApplicationResponse(application=show_application(application))


async def list_applications(
    needs: Needs, call: Call, request: shapes.ListApplicationsRequest
) -> shapes.ListApplicationsResponse:
    """Applications by state, the newest first, 50 at a time.

    Source: EMR Serverless API reference, ListApplications.
    """
    states = frozenset(request.states or ())
    paging = open_paging(needs, call, sorted(states))
    after, size = paging.open(request.next_token), request.max_results or PAGE_SIZE_MAX
    page: Page[Application] = Page(size)
    async with needs.records.transaction() as transaction:
        async for position, application in store.scan_applications(transaction, call, after):
            if states and application.state not in states:
                continue
            if not page.take(position, application):
                break
    return shapes.ListApplicationsResponse(
        applications=[show_application_summary(one) for one in page.found],
        next_token=paging.seal(page.last) if page.has_more else None,
    )


async def update_application(
    needs: Needs, call: Call, request: shapes.UpdateApplicationRequest
) -> shapes.UpdateApplicationResponse:
    """Change an application that is CREATED or STOPPED: what is given is set as a whole.

    Raises:
        Validation: it is in another state, or as CreateApplication.

    Source: EMR Serverless API reference, UpdateApplication.
    """
    async with needs.records.transaction() as transaction:
        application = await require_application(transaction, call, request.application_id)
        require_rest(application)
        application = replace(
            application,
            asked=change_application(application, request, needs.sparks),
            updated_ms=needs.clock.now_ms(),
        )
        store.save_application(transaction, call, application)
    return shapes.UpdateApplicationResponse(application=show_application(application))


async def delete_application(
    needs: Needs, call: Call, request: shapes.DeleteApplicationRequest
) -> shapes.DeleteApplicationResponse:
    """Delete an application that is CREATED or STOPPED: it is TERMINATED from now on.

    Raises:
        Validation: it is in another state.

    Source: EMR Serverless API reference, DeleteApplication.
    """
    async with needs.records.transaction() as transaction:
        flow = await _require_living(transaction, call, request.application_id)
        require_rest(flow.application)
        flow.terminate(needs.clock.now_ms())
        store.save_flow(transaction, call, flow)
    return shapes.DeleteApplicationResponse()


async def start_application(
    needs: Needs, call: Call, request: shapes.StartApplicationRequest
) -> shapes.StartApplicationResponse:
    """Start an application and its pre-initialised workers; one that is started stays so.

    Raises:
        Validation: it is deleted, or not made yet.

    Source: EMR Serverless API reference, StartApplication.
    """
    async with needs.records.transaction() as transaction:
        flow = await _require_living(transaction, call, request.application_id)
        if flow.application.state in ("CREATING", "STOPPING"):
            require_rest(flow.application)
        flow.start(needs.clock.now_ms())
        store.save_flow(transaction, call, flow)
    return shapes.StartApplicationResponse()


async def stop_application(
    needs: Needs, call: Call, request: shapes.StopApplicationRequest
) -> shapes.StopApplicationResponse:
    """Stop an application and its pre-initialised workers; one that is at rest stays so.

    Raises:
        Validation: it has job runs that have not ended.

    Source: EMR Serverless API reference, StopApplication.
    """
    async with needs.records.transaction() as transaction:
        flow = await _require_living(transaction, call, request.application_id)
        application = flow.application
        if application.active or application.waiting:
            raise Validation(
                f"Application {application.id} cannot be stopped: all scheduled and running jobs "
                "must be completed or cancelled before stopping an application."
            )
        flow.stop(needs.clock.now_ms())
        store.save_flow(transaction, call, flow)
    return shapes.StopApplicationResponse()


async def _require_living(transaction: Transaction, call: Call, application_id: str) -> Flow:
    application = await require_application(transaction, call, application_id)
    if application.state == "TERMINATED":
        raise Validation(f"Application {application_id} is terminated.")
    return Flow(application)
