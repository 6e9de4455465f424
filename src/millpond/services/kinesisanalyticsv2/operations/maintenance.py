"""The maintenance window, which is kept and told: nothing here needs maintenance."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.kinesisanalyticsv2 import shapes, store
from millpond.services.kinesisanalyticsv2.model.maintenance import describe_window
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.operations.scope import (
    AT_REST,
    require_both,
    require_flink,
    require_status,
)


async def update_application_maintenance_configuration(
    needs: Needs, call: Call, request: shapes.UpdateApplicationMaintenanceConfigurationRequest
) -> shapes.UpdateApplicationMaintenanceConfigurationResponse:
    """Set when the eight hours of the maintenance window begin, in UTC.

    Raises:
        ResourceNotFound: there is no such application.
        ResourceInUse: it is neither READY nor RUNNING.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, UpdateApplicationMaintenanceConfiguration (2018-05-23).
    """
    wanted = request.application_maintenance_configuration_update
    start = wanted.application_maintenance_window_start_time_update
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        require_flink(version, "UpdateApplicationMaintenanceConfiguration")
        require_status(application, AT_REST, "updated")
        updated = msgspec.structs.replace(application, window_start=start)
        store.save_application(transaction, call, updated)
    return shapes.UpdateApplicationMaintenanceConfigurationResponse(
        application_arn=application.arn,
        application_maintenance_configuration_description=msgspec.convert(
            describe_window(start), shapes.ApplicationMaintenanceConfigurationDescription
        ),
    )
