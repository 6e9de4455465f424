"""Work groups: where queries run, and the settings that they share."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.athena.errors import InvalidRequest
from millpond.services.athena.model import work_groups as model
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.paging import page
from millpond.services.athena.shapes import (
    CreateWorkGroupInput,
    CreateWorkGroupOutput,
    DeleteWorkGroupInput,
    DeleteWorkGroupOutput,
    GetWorkGroupInput,
    GetWorkGroupOutput,
    ListEngineVersionsInput,
    ListEngineVersionsOutput,
    ListWorkGroupsInput,
    ListWorkGroupsOutput,
    UpdateWorkGroupInput,
    UpdateWorkGroupOutput,
    WorkGroup,
    WorkGroupSummary,
)
from millpond.services.athena.store import tags as tag_store
from millpond.services.athena.store import work_groups as store

PAGE_SIZE = 50


async def create_work_group(
    needs: Needs, call: Call, request: CreateWorkGroupInput
) -> CreateWorkGroupOutput:
    """Make a work group, ENABLED, with AWS's defaults where the request says nothing.

    Raises:
        InvalidRequest: the name is taken, or a setting is not supported.
    """
    tags = model.merge_tags({}, request.tags or [])
    configuration = model.complete(request.configuration)
    async with needs.records.transaction() as transaction:
        if await store.load(transaction, call, request.name):
            raise InvalidRequest("WorkGroup is already created")
        group = WorkGroup(
            name=request.name,
            state="ENABLED",
            configuration=configuration,
            description=request.description,
            creation_time=needs.clock.now_ms() / 1000,
        )
        store.save(transaction, call, group)
        tag_store.save(transaction, call, request.name, tags)
    return CreateWorkGroupOutput()


async def get_work_group(
    needs: Needs, call: Call, request: GetWorkGroupInput
) -> GetWorkGroupOutput:
    """A work group and its settings.

    Raises:
        InvalidRequest: there is none of that name.
    """
    async with needs.records.transaction() as transaction:
        group = await store.load(transaction, call, request.work_group)
    return GetWorkGroupOutput(work_group=existing(group, request.work_group))


async def list_work_groups(
    needs: Needs, call: Call, request: ListWorkGroupsInput
) -> ListWorkGroupsOutput:
    """Work groups by name."""
    async with needs.records.transaction() as transaction:
        groups, token = await page(
            needs.pages,
            "ListWorkGroups",
            request.next_token,
            request.max_results or PAGE_SIZE,
            lambda after: store.scan(transaction, call, after),
            lambda group: group.name or "",
        )
    summaries = [
        WorkGroupSummary(
            name=group.name,
            state=group.state,
            description=group.description or "",
            creation_time=group.creation_time,
            engine_version=group.configuration.engine_version if group.configuration else None,
        )
        for group in groups
    ]
    return ListWorkGroupsOutput(work_groups=summaries, next_token=token)


async def update_work_group(
    needs: Needs, call: Call, request: UpdateWorkGroupInput
) -> UpdateWorkGroupOutput:
    """Change a work group's settings, description or state; what is not named stays.

    Raises:
        InvalidRequest: there is none of that name, or a setting is not supported.
    """
    async with needs.records.transaction() as transaction:
        found = await store.load(transaction, call, request.work_group)
        group = existing(found, request.work_group)
        assert group.configuration
        configuration = group.configuration
        if request.configuration_updates:
            configuration = model.updated(configuration, request.configuration_updates)
        changed = msgspec.structs.replace(
            group,
            configuration=configuration,
            description=group.description if request.description is None else request.description,
            state=request.state or group.state,
        )
        store.save(transaction, call, changed)
    return UpdateWorkGroupOutput()


async def delete_work_group(
    needs: Needs, call: Call, request: DeleteWorkGroupInput
) -> DeleteWorkGroupOutput:
    """Remove a work group; with `RecursiveDeleteOption` also what is in it.

    Raises:
        InvalidRequest: there is none of that name, it is `primary`, or it is not empty.
    """
    name = request.work_group
    if name == model.PRIMARY:
        raise InvalidRequest("Default WorkGroup cannot be deleted")
    async with needs.records.transaction() as transaction:
        existing(await store.load(transaction, call, name), name)
        if not request.recursive_delete_option and not await store.is_empty(
            transaction, call, name
        ):
            raise InvalidRequest(f"WorkGroup {name} is not empty")
        await store.delete(transaction, call, name)
    return DeleteWorkGroupOutput()


async def list_engine_versions(
    needs: Needs, call: Call, request: ListEngineVersionsInput
) -> ListEngineVersionsOutput:
    """The engine versions that a work group may choose."""
    versions = [model.resolve_engine(None)]
    return ListEngineVersionsOutput(engine_versions=versions)


def existing(group: WorkGroup | None, name: str) -> WorkGroup:
    """The work group.

    Raises:
        InvalidRequest: it is None.
    """
    if group is None:
        raise InvalidRequest(f"WorkGroup {name} is not found.")
    return group
