"""What triggers may be. Pure."""

from collections.abc import Sequence
from typing import Literal

from millpond.services.glue.cron import BadCron, parse_schedule
from millpond.services.glue.errors import InvalidInput, not_implemented
from millpond.services.glue.orchestration.model import (
    CRAWL_STATES,
    JOB_STATES,
    Trigger,
    TriggerType,
)
from millpond.services.glue.shapes import Action, Condition


def check_type(kind: Literal["SCHEDULED", "CONDITIONAL", "ON_DEMAND", "EVENT"]) -> TriggerType:
    """The type, unless it needs a service that is not there.

    Raises:
        InvalidInput: the type is EVENT.
    """
    if kind == "EVENT":
        raise InvalidInput("Triggers of type EVENT are not implemented: there is no EventBridge.")
    return kind


def check_trigger(trigger: Trigger) -> None:
    """The rules for a trigger.

    Raises:
        InvalidInput: with a sentence that names what does not fit.
    """
    if not trigger.actions:
        raise InvalidInput("Actions cannot be null or empty.")
    for action in trigger.actions:
        _check_action(action)
    if trigger.type == "SCHEDULED":
        _check_schedule(trigger.schedule)
    elif trigger.schedule:
        raise InvalidInput(f"A trigger of type {trigger.type} cannot have a Schedule.")
    if trigger.type == "CONDITIONAL":
        _check_conditions(trigger.conditions)
    elif trigger.conditions:
        raise InvalidInput(f"A trigger of type {trigger.type} cannot have a Predicate.")


def _check_action(action: Action) -> None:
    if bool(action.job_name) == bool(action.crawler_name):
        raise InvalidInput("An action must have either a JobName or a CrawlerName.")
    not_implemented(("SecurityConfiguration", action.security_configuration))
    if action.crawler_name and (action.arguments or action.timeout):
        raise InvalidInput("An action with a CrawlerName cannot have Arguments or a Timeout.")


def _check_schedule(schedule: str | None) -> None:
    if not schedule:
        raise InvalidInput("Schedule cannot be null or empty for a trigger of type SCHEDULED.")
    try:
        parse_schedule(schedule)
    except BadCron as error:
        raise InvalidInput(f"Schedule {schedule} is not valid. {error}") from None


def _check_conditions(conditions: Sequence[Condition]) -> None:
    if not conditions:
        raise InvalidInput("Predicate cannot be null or empty for a trigger of type CONDITIONAL.")
    for condition in conditions:
        if bool(condition.job_name) == bool(condition.crawler_name):
            raise InvalidInput("A condition must have either a JobName or a CrawlerName.")
        if condition.job_name and condition.state not in JOB_STATES:
            raise InvalidInput(
                f"The condition on job {condition.job_name} must have a State, one of "
                f"{', '.join(sorted(JOB_STATES))}."
            )
        if condition.crawler_name and condition.crawl_state not in CRAWL_STATES:
            raise InvalidInput(
                f"The condition on crawler {condition.crawler_name} must have a CrawlState, one "
                f"of {', '.join(sorted(CRAWL_STATES))}."
            )
