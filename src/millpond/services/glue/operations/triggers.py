"""Triggers: defined, changed, started and stopped."""

from typing import Any

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue import store as tag_store
from millpond.services.glue.errors import (
    AlreadyExists,
    EntityNotFound,
    InvalidInput,
    not_implemented,
)
from millpond.services.glue.model import merge_tags
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import pages_of
from millpond.services.glue.orchestration import store
from millpond.services.glue.orchestration.answers import show_trigger
from millpond.services.glue.orchestration.model import Trigger, start_of
from millpond.services.glue.orchestration.rules import check_trigger, check_type
from millpond.services.glue.orchestration.schedules import keep_schedule, start
from millpond.services.glue.orchestration.workflow_runs import require_workflow

PAGE_SIZE_DEFAULT = 100


async def require_trigger(transaction: Transaction, call: Call, name: str) -> Trigger:
    """The trigger.

    Raises:
        EntityNotFound: there is none of that name.
    """
    trigger = await store.load_trigger(transaction, call, name)
    if trigger is None:
        raise EntityNotFound(f"Trigger {name} not found.")
    return trigger


async def create_trigger(
    needs: Needs, call: Call, request: shapes.CreateTriggerRequest
) -> shapes.CreateTriggerResponse:
    """Define a trigger, in a workflow or outside of one.

    Raises:
        AlreadyExists: the name is taken.
        EntityNotFound: there is no such workflow.
        InvalidInput: its parts do not fit together.

    Source: Glue API reference, CreateTrigger.
    """
    not_implemented(("EventBatchingCondition", request.event_batching_condition))
    if request.start_on_creation and request.type == "ON_DEMAND":
        raise InvalidInput("A trigger of type ON_DEMAND cannot be started on creation.")
    trigger = Trigger(
        name=request.name,
        type=check_type(request.type),
        actions=tuple(request.actions),
        workflow_name=request.workflow_name,
        state="ACTIVATED" if request.start_on_creation else "CREATED",
        description=request.description,
        schedule=request.schedule or None,
        predicate=request.predicate,
    )
    check_trigger(trigger)
    async with needs.records.transaction() as transaction:
        if await store.load_trigger(transaction, call, trigger.name):
            raise AlreadyExists(f"Trigger with name {trigger.name} already submitted")
        if trigger.workflow_name is not None:
            await _check_place(transaction, call, trigger)
        store.save_trigger(transaction, call, trigger)
        tags = merge_tags({}, request.tags or {})
        tag_store.save_tags(transaction, call, f"trigger/{trigger.name}", tags)
        keep_schedule(transaction, call, trigger, needs.clock.now_ms())
    return shapes.CreateTriggerResponse(name=trigger.name)


async def _check_place(transaction: Transaction, call: Call, trigger: Trigger) -> None:
    workflow = await require_workflow(transaction, call, trigger.workflow_name or "")
    others = await store.triggers_of(transaction, call, workflow.name)
    if trigger.type != "CONDITIONAL" and (first := start_of(others)):
        raise InvalidInput(f"Workflow {workflow.name} has a start trigger already: {first.name}.")


async def get_trigger(
    needs: Needs, call: Call, request: shapes.GetTriggerRequest
) -> shapes.GetTriggerResponse:
    """A trigger. Source: Glue API reference, GetTrigger."""
    async with needs.records.transaction() as transaction:
        trigger = await require_trigger(transaction, call, request.name)
    return shapes.GetTriggerResponse(trigger=show_trigger(trigger))


async def get_triggers(
    needs: Needs, call: Call, request: shapes.GetTriggersRequest
) -> shapes.GetTriggersResponse:
    """Triggers by name: those that start a job, or all where none does.

    Source: Glue API reference, GetTriggers.
    """
    found, token = await _page(
        needs, call, request.next_token, request.max_results, request.dependent_job_name, {}
    )
    return shapes.GetTriggersResponse(triggers=list(map(show_trigger, found)), next_token=token)


async def list_triggers(
    needs: Needs, call: Call, request: shapes.ListTriggersRequest
) -> shapes.ListTriggersResponse:
    """Names of the triggers that have all the tags asked for, and start a job where one is named.

    Source: Glue API reference, ListTriggers.
    """
    found, token = await _page(
        needs,
        call,
        request.next_token,
        request.max_results,
        request.dependent_job_name,
        request.tags or {},
    )
    names = [trigger.name for trigger in found]
    return shapes.ListTriggersResponse(trigger_names=names, next_token=token)


async def _page(
    needs: Needs,
    call: Call,
    next_token: str | None,
    count_max: int | None,
    job: str | None,
    tags: dict[str, str],
) -> tuple[list[Trigger], str | None]:
    paging = pages_of(needs, call, job, sorted(tags.items()))
    after = paging.open(next_token)
    size = count_max or PAGE_SIZE_DEFAULT
    async with needs.records.transaction() as transaction:
        every = [trigger async for trigger in store.scan_triggers(transaction, call)]
        starting = [trigger for trigger in every if job and _starts(trigger, job)]
        matching = []
        for trigger in starting or every:
            if trigger.name <= after:
                continue
            have = await tag_store.load_tags(transaction, call, f"trigger/{trigger.name}")
            if tags.items() <= have.items():
                matching.append(trigger)
    page = matching[:size]
    return page, paging.seal(page[-1].name) if len(matching) > size else None


def _starts(trigger: Trigger, job: str) -> bool:
    return any(action.job_name == job for action in trigger.actions)


async def batch_get_triggers(
    needs: Needs, call: Call, request: shapes.BatchGetTriggersRequest
) -> shapes.BatchGetTriggersResponse:
    """Triggers by their names. Source: Glue API reference, BatchGetTriggers."""
    found, missing = [], []
    async with needs.records.transaction() as transaction:
        for name in dict.fromkeys(request.trigger_names):
            trigger = await store.load_trigger(transaction, call, name)
            if trigger is None:
                missing.append(name)
            else:
                found.append(show_trigger(trigger))
    return shapes.BatchGetTriggersResponse(triggers=found, triggers_not_found=missing)


async def update_trigger(
    needs: Needs, call: Call, request: shapes.UpdateTriggerRequest
) -> shapes.UpdateTriggerResponse:
    """Change what is given of a trigger; its conditions have to be met anew when they change.

    Source: Glue API reference, UpdateTrigger.
    """
    given = request.trigger_update
    not_implemented(("EventBatchingCondition", given.event_batching_condition))
    if given.name not in (None, request.name):
        raise InvalidInput("A trigger cannot be renamed.")
    changes: dict[str, Any] = {
        "description": given.description,
        "schedule": given.schedule,
        "actions": None if given.actions is None else tuple(given.actions),
        "predicate": given.predicate,
        "met": None if given.predicate is None else {},
    }
    async with needs.records.transaction() as transaction:
        trigger = await require_trigger(transaction, call, request.name)
        updated = msgspec.structs.replace(
            trigger, **{name: value for name, value in changes.items() if value is not None}
        )
        check_trigger(updated)
        store.save_trigger(transaction, call, updated)
        keep_schedule(transaction, call, updated, needs.clock.now_ms())
    return shapes.UpdateTriggerResponse(trigger=show_trigger(updated))


async def delete_trigger(
    needs: Needs, call: Call, request: shapes.DeleteTriggerRequest
) -> shapes.DeleteTriggerResponse:
    """Remove a trigger; one that is not there is none afterwards either.

    Source: Glue API reference, DeleteTrigger.
    """
    async with needs.records.transaction() as transaction:
        if await store.load_trigger(transaction, call, request.name):
            store.delete_trigger(transaction, call, request.name)
            tag_store.save_tags(transaction, call, f"trigger/{request.name}", {})
            store.schedule_trigger(transaction, call, request.name, 0)
    return shapes.DeleteTriggerResponse(name=request.name)


async def start_trigger(
    needs: Needs, call: Call, request: shapes.StartTriggerRequest
) -> shapes.StartTriggerResponse:
    """Fire a trigger that is on demand; have any other one wait for its time or conditions.

    Raises:
        ConcurrentRunsExceeded: its workflow has as many runs as it may.

    Source: Glue API reference, StartTrigger.
    """
    async with needs.records.transaction() as transaction:
        trigger = await require_trigger(transaction, call, request.name)
        if trigger.type == "ON_DEMAND":
            await start(transaction, needs, call, trigger)
        else:
            active = msgspec.structs.replace(trigger, state="ACTIVATED", met={})
            store.save_trigger(transaction, call, active)
            keep_schedule(transaction, call, active, needs.clock.now_ms())
    return shapes.StartTriggerResponse(name=trigger.name)


async def stop_trigger(
    needs: Needs, call: Call, request: shapes.StopTriggerRequest
) -> shapes.StopTriggerResponse:
    """Have a trigger fire no more, until it is started again.

    Source: Glue API reference, StopTrigger.
    """
    async with needs.records.transaction() as transaction:
        trigger = await require_trigger(transaction, call, request.name)
        if trigger.type == "ON_DEMAND":
            raise InvalidInput("A trigger of type ON_DEMAND cannot be stopped.")
        stopped = msgspec.structs.replace(trigger, state="DEACTIVATED", met={})
        store.save_trigger(transaction, call, stopped)
        keep_schedule(transaction, call, stopped, needs.clock.now_ms())
    return shapes.StopTriggerResponse(name=trigger.name)
