"""Definitions of jobs: AWS's rules and defaults.

Source: Glue API reference, CreateJob, UpdateJob, JobCommand.
"""

import re
from typing import Any

import msgspec

from millpond.services.glue.errors import InvalidInput, not_implemented
from millpond.services.glue.jobs import versions
from millpond.services.glue.jobs.capacity import PYTHON_SHELL, Allotment, allot, check_flexible
from millpond.services.glue.shapes import (
    CreateJobRequest,
    ExecutionProperty,
    JobCommand,
    JobUpdate,
    SourceControlDetails,
)

COMMANDS = ("glueetl", "gluestreaming", PYTHON_SHELL)
RETRIES_MAX = 10
CONCURRENT_RUNS_MAX = 1000
TIMEOUT_MINUTES_MAX = 10080
_SCRIPT = re.compile(r"s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)


def of_creation(request: CreateJobRequest) -> JobUpdate:
    """The definition that CreateJob gives, before `complete`."""
    given: dict[str, Any] = {name: getattr(request, name) for name in JobUpdate.__struct_fields__}
    return JobUpdate(**given)


def complete(definition: JobUpdate) -> JobUpdate:
    """The definition with AWS's defaults where it says nothing.

    Raises:
        InvalidInput: it cannot be taken; the text says why.
    """
    not_implemented(("SecurityConfiguration", definition.security_configuration))
    if not definition.role:
        raise InvalidInput("Role must not be empty.")
    version = versions.check_version(definition.glue_version or versions.DEFAULT)
    command = _complete_command(definition.command, version)
    retries = definition.max_retries or 0
    if not 0 <= retries <= RETRIES_MAX:
        raise InvalidInput(f"MaxRetries must be from 0 to {RETRIES_MAX}.")
    execution = definition.execution_property or ExecutionProperty()
    concurrent = execution.max_concurrent_runs
    if concurrent is not None and not 1 <= concurrent <= CONCURRENT_RUNS_MAX:
        raise InvalidInput(f"MaxConcurrentRuns must be from 1 to {CONCURRENT_RUNS_MAX}.")
    completed = msgspec.structs.replace(
        definition,
        job_mode=definition.job_mode or "SCRIPT",
        command=command,
        glue_version=version,
        max_retries=retries,
        execution_property=ExecutionProperty(max_concurrent_runs=concurrent or 1),
        timeout=timeout_of(definition.timeout, command.name or "", version),
        source_control_details=_without_token(definition.source_control_details),
    )
    allotment = allotment_of(completed)
    if completed.execution_class == "FLEX":
        check_flexible(allotment, command.name or "", version)
    return completed


def allotment_of(definition: JobUpdate) -> Allotment:
    """What runs of a completed definition get."""
    return allot(definition, command_of(definition), definition.glue_version or versions.DEFAULT)


def command_of(definition: JobUpdate) -> str:
    return (definition.command and definition.command.name) or ""


def timeout_of(minutes: int | None, command: str, version: str) -> int | None:
    """A timeout in minutes as asked for, or AWS's default; a streaming job has none.

    Raises:
        InvalidInput: it is longer than seven days.
    """
    if minutes is not None:
        if minutes > TIMEOUT_MINUTES_MAX:
            raise InvalidInput(
                f"Timeout {minutes} minutes is more than 7 days or {TIMEOUT_MINUTES_MAX} minutes."
            )
        return minutes
    if command == "gluestreaming":
        return None
    return 480 if versions.is_at_least(version, "5.0") else 2880


def script_place(location: str | None) -> tuple[str, str]:
    """The bucket and key of a script's location.

    Raises:
        InvalidInput: it is none in S3.
    """
    found = _SCRIPT.fullmatch(location or "")
    if found is None:
        raise InvalidInput(f"ScriptLocation {location} is not a location in Amazon S3.")
    return found[1], found[2]


def _complete_command(command: JobCommand | None, version: str) -> JobCommand:
    if command is None or not command.name:
        raise InvalidInput("Command name should not be null or empty.")
    if command.name == "glueray":
        raise InvalidInput("Command glueray is not supported: there is no Ray here.")
    if command.name not in COMMANDS:
        raise InvalidInput(
            f"Command name {command.name} is not supported. The commands are {', '.join(COMMANDS)}."
        )
    script_place(command.script_location)
    default = "3" if versions.is_at_least(version, "2.0") else "2"
    return msgspec.structs.replace(command, python_version=command.python_version or default)


def _without_token(details: SourceControlDetails | None) -> SourceControlDetails | None:
    """What is recorded of a repository: never what opens it."""
    return None if details is None else msgspec.structs.replace(details, auth_token=None)
