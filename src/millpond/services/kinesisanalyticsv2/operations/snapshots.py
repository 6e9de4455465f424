"""Snapshots: made by the step of an application that runs, kept until they are deleted."""

import msgspec

from millpond.kernel.call import Call
from millpond.kernel.pages import Paging
from millpond.services.kinesisanalyticsv2 import shapes, store
from millpond.services.kinesisanalyticsv2.errors import (
    InvalidApplicationConfiguration,
    InvalidArgument,
    LimitExceeded,
    ResourceInUse,
    ResourceNotFound,
)
from millpond.services.kinesisanalyticsv2.model.application import Application, Snapshot
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.operations.scope import (
    require_both,
    require_flink,
    require_status,
)

SNAPSHOTS_MAX = 1000
LIST_LIMIT_DEFAULT = 50


async def create_application_snapshot(
    needs: Needs, call: Call, request: shapes.CreateApplicationSnapshotRequest
) -> shapes.CreateApplicationSnapshotResponse:
    """Keep the state of an application that runs, under a name.

    Raises:
        ResourceNotFound: there is no such application.
        ResourceInUse: it does not run, or the name is taken.
        InvalidApplicationConfiguration: its snapshots are not enabled.
        LimitExceeded: it has 1,000 snapshots.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, CreateApplicationSnapshot (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        require_flink(version, "CreateApplicationSnapshot")
        if not version.snapshots_enabled:
            raise InvalidApplicationConfiguration(
                f"Snapshots are not enabled for the application {application.name}."
            )
        require_status(application, ("RUNNING",), "taken a snapshot of")
        known = await store.load_snapshots(transaction, call, application)
        if any(snapshot.name == request.snapshot_name for snapshot in known):
            raise ResourceInUse(f"Snapshot already exists: {request.snapshot_name}")
        if len(known) >= SNAPSHOTS_MAX:
            raise LimitExceeded(f"The application has {len(known)} snapshots: delete some.")
        snapshot = Snapshot(
            name=request.snapshot_name,
            kept_as=f"s-{needs.ids.hex(12)}",
            version=version.number,
            runtime=version.runtime,
            created_ms=needs.clock.now_ms(),
        )
        store.save_snapshot(transaction, call, application, snapshot)
        store.wake(transaction, call, application.name)
    return shapes.CreateApplicationSnapshotResponse()


async def describe_application_snapshot(
    needs: Needs, call: Call, request: shapes.DescribeApplicationSnapshotRequest
) -> shapes.DescribeApplicationSnapshotResponse:
    """A snapshot by its name.

    Raises:
        ResourceNotFound: there is no such application or snapshot.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, DescribeApplicationSnapshot (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        require_flink(version, "DescribeApplicationSnapshot")
        snapshot = await store.load_snapshot(transaction, call, application, request.snapshot_name)
    if snapshot is None:
        raise _not_found(application, request.snapshot_name)
    return shapes.DescribeApplicationSnapshotResponse(snapshot_details=_details(snapshot))


async def list_application_snapshots(
    needs: Needs, call: Call, request: shapes.ListApplicationSnapshotsRequest
) -> shapes.ListApplicationSnapshotsResponse:
    """Snapshots, the newest first.

    Raises:
        ResourceNotFound: there is no such application.
        InvalidArgument: the token is not one of this list.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, ListApplicationSnapshots (2018-05-23).
    """
    question = (request.application_name,)
    paging = Paging(needs.pages, call, question, lambda error: InvalidArgument(str(error)))
    first = int(paging.open(request.next_token) or 0)
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        require_flink(version, "ListApplicationSnapshots")
        known = await store.load_snapshots(transaction, call, application)
    end = first + (request.limit or LIST_LIMIT_DEFAULT)
    return shapes.ListApplicationSnapshotsResponse(
        snapshot_summaries=[_details(snapshot) for snapshot in known[first:end]],
        next_token=paging.seal(str(end)) if end < len(known) else None,
    )


async def delete_application_snapshot(
    needs: Needs, call: Call, request: shapes.DeleteApplicationSnapshotRequest
) -> shapes.DeleteApplicationSnapshotResponse:
    """Delete a snapshot.

    Raises:
        ResourceNotFound: there is no such application or snapshot.
        InvalidArgument: SnapshotCreationTimestamp is not that of the snapshot.
        ResourceInUse: it is being made or deleted.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, DeleteApplicationSnapshot (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        require_flink(version, "DeleteApplicationSnapshot")
        snapshot = await store.load_snapshot(transaction, call, application, request.snapshot_name)
        if snapshot is None:
            raise _not_found(application, request.snapshot_name)
        if int(request.snapshot_creation_timestamp) != snapshot.created_ms // 1000:
            raise InvalidArgument("SnapshotCreationTimestamp is not that of the snapshot.")
        if snapshot.status not in ("READY", "FAILED"):
            raise ResourceInUse(f"Snapshot {snapshot.name} is {snapshot.status}.")
        deleting = msgspec.structs.replace(snapshot, status="DELETING")
        store.save_snapshot(transaction, call, application, deleting)
        store.wake(transaction, call, application.name)
    return shapes.DeleteApplicationSnapshotResponse()


def _not_found(application: Application, name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Application {application.name} has no snapshot {name}.")


def _details(snapshot: Snapshot) -> shapes.SnapshotDetails:
    return shapes.SnapshotDetails(
        snapshot_name=snapshot.name,
        snapshot_status=snapshot.status,
        application_version_id=snapshot.version,
        snapshot_creation_timestamp=snapshot.created_ms // 1000,
        runtime_environment=snapshot.runtime,
    )
