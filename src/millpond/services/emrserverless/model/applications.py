"""CreateApplication and UpdateApplication: what may be asked for.

What is not implemented and would change what a job does is refused by its name. What only AWS's
machines could show (architecture, subnets, cost allocation) is recorded.

Source: EMR Serverless API reference, CreateApplication, UpdateApplication (2021-07-13).
"""

from collections.abc import Mapping

import msgspec

from millpond.engines.spark.interface import Sparks
from millpond.services.emrserverless import shapes
from millpond.services.emrserverless.errors import Validation, refuse_options
from millpond.services.emrserverless.model.capacity import check_capacity
from millpond.services.emrserverless.model.configurations import read_properties
from millpond.services.emrserverless.model.places import check_monitoring
from millpond.services.emrserverless.model.records import UNTOLD, Application, Engine
from millpond.services.emrserverless.model.releases import require_release, runtime_of
from millpond.services.emrserverless.model.worker_settings import read_workers

IDLE_MINUTES_DEFAULT = 15
QUEUE_MINUTES_DEFAULT, QUEUE_MINUTES_MIN, QUEUE_MINUTES_MAX = 360, 15, 720
CONCURRENT_RUNS_DEFAULT, CONCURRENT_RUNS_MAX = 15, 1000
_ENGINES: Mapping[str, Engine] = {"SPARK": "Spark", "HIVE": "Hive"}


def read_engine(name: str) -> Engine:
    """An application's type, in any case.

    Raises:
        Validation: it is neither Spark nor Hive.
    """
    engine = _ENGINES.get(name.upper())
    if engine is None:
        raise Validation(f"Unsupported engine {name}")
    return engine


def check_application(
    asked: shapes.CreateApplicationRequest, engine: Engine, sparks: Sparks
) -> shapes.CreateApplicationRequest:
    """What an application is to be, as it is kept: without tags and token.

    Raises:
        Validation: AWS would refuse it, or it asks for what is not installed or implemented.
    """
    require_release(asked.release_label, engine, sparks)
    interactive = asked.interactive_configuration
    refuse_options(
        ("imageConfiguration", asked.image_configuration),
        ("workerTypeSpecifications", asked.worker_type_specifications),
        ("diskEncryptionConfiguration", asked.disk_encryption_configuration),
        ("identityCenterConfiguration", asked.identity_center_configuration),
        ("interactiveConfiguration.studioEnabled", interactive and interactive.studio_enabled),
        (
            "interactiveConfiguration.livyEndpointEnabled",
            interactive and interactive.livy_endpoint_enabled,
        ),
        ("interactiveConfiguration.sessionEnabled", interactive and interactive.session_enabled),
    )
    check_capacity(asked, engine)
    check_monitoring(asked.monitoring_configuration, engine)
    runtime = runtime_of(asked.release_label)
    read_workers(engine, read_properties(engine, runtime, asked.runtime_configuration))
    _check_scheduler(asked.scheduler_configuration)
    return msgspec.structs.replace(asked, tags=None, client_token=UNTOLD)


def change_application(
    application: Application, request: shapes.UpdateApplicationRequest, sparks: Sparks
) -> shapes.CreateApplicationRequest:
    """What an application is to be after an update: what it gives is set as a whole.

    Raises:
        Validation: as `check_application`.
    """
    given = {
        name: value
        for name in request.__struct_fields__
        if name not in ("application_id", "client_token")
        and (value := getattr(request, name)) is not None
    }
    asked = msgspec.structs.replace(application.asked, **given)
    return check_application(asked, application.engine, sparks)


def idle_minutes(application: Application) -> int | None:
    """After how much idle time it stops; None when it does not stop by itself."""
    given = application.asked.auto_stop_configuration
    if given is not None and given.enabled is False:
        return None
    return (given and given.idle_timeout_minutes) or IDLE_MINUTES_DEFAULT


def queue_minutes(scheduler: shapes.SchedulerConfiguration) -> int:
    return scheduler.queue_timeout_minutes or QUEUE_MINUTES_DEFAULT


def concurrent_runs(scheduler: shapes.SchedulerConfiguration) -> int:
    return scheduler.max_concurrent_runs or CONCURRENT_RUNS_DEFAULT


def _check_scheduler(asked: shapes.SchedulerConfiguration | None) -> None:
    if asked is None:
        return
    if not QUEUE_MINUTES_MIN <= queue_minutes(asked) <= QUEUE_MINUTES_MAX:
        raise Validation(
            f"queueTimeoutMinutes must be between {QUEUE_MINUTES_MIN} and {QUEUE_MINUTES_MAX}."
        )
    if not 1 <= concurrent_runs(asked) <= CONCURRENT_RUNS_MAX:
        raise Validation(f"maxConcurrentRuns must be between 1 and {CONCURRENT_RUNS_MAX}.")
