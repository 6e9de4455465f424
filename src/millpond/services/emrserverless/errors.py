"""The refusals of EMR Serverless."""

from functools import partial
from typing import ClassVar

from millpond.kernel.errors import ServiceError, refuse_set


class Validation(ServiceError):
    """The request cannot be, or asks for what is not implemented."""

    code: ClassVar[str] = "ValidationException"


class ResourceNotFound(ServiceError):
    """There is no such application, job run or attempt."""

    code: ClassVar[str] = "ResourceNotFoundException"
    status: ClassVar[int] = 404


class Conflicting(ServiceError):
    """The state of the resource, or an earlier use of the client token, is against it."""

    code: ClassVar[str] = "ConflictException"
    status: ClassVar[int] = 409


refuse_options = partial(refuse_set, Validation)
"""Refuse the first option that is set: it is not implemented."""


def no_application(application_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"Application {application_id} does not exist")


def no_job_run(job_run_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"JobRun {job_run_id} does not exist")
