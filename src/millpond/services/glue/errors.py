"""The refusals of Glue that this service raises. All are client errors (400)."""

from functools import partial
from typing import ClassVar

from millpond.kernel.errors import ServiceError, refuse_set


class EntityNotFound(ServiceError):
    code: ClassVar[str] = "EntityNotFoundException"


class AlreadyExists(ServiceError):
    code: ClassVar[str] = "AlreadyExistsException"


class InvalidInput(ServiceError):
    code: ClassVar[str] = "InvalidInputException"


class InvalidState(ServiceError):
    code: ClassVar[str] = "InvalidStateException"


class ConcurrentModification(ServiceError):
    code: ClassVar[str] = "ConcurrentModificationException"


class LimitExceeded(ServiceError):
    code: ClassVar[str] = "ResourceNumberLimitExceededException"


class ConcurrentRunsExceeded(ServiceError):
    code: ClassVar[str] = "ConcurrentRunsExceededException"


class IdempotentParameterMismatch(ServiceError):
    code: ClassVar[str] = "IdempotentParameterMismatchException"


class IllegalWorkflowState(ServiceError):
    code: ClassVar[str] = "IllegalWorkflowStateException"


class CrawlerRunning(ServiceError):
    code: ClassVar[str] = "CrawlerRunningException"


class CrawlerNotRunning(ServiceError):
    code: ClassVar[str] = "CrawlerNotRunningException"


class CrawlerStopping(ServiceError):
    code: ClassVar[str] = "CrawlerStoppingException"


class SchedulerRunning(ServiceError):
    code: ClassVar[str] = "SchedulerRunningException"


class SchedulerNotRunning(ServiceError):
    code: ClassVar[str] = "SchedulerNotRunningException"


class NoSchedule(ServiceError):
    code: ClassVar[str] = "NoScheduleException"


not_implemented = partial(refuse_set, InvalidInput)
"""Refuse the first of some options that is set; see `refuse_set`."""
