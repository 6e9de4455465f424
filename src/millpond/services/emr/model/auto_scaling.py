"""Automatic scaling policies of instance groups: what may be asked for, and what they decide. Pure.

A rule fires when its metric's statistic breaches the threshold in each of the last
`EvaluationPeriods` periods, all of which have been measured. A group that a rule has changed is
left alone for the rule's cool-down, and for a period at least, so that the change can show.

Source: EMR Management Guide, "Using automatic scaling with a custom policy"; API,
AutoScalingPolicy.
"""

import math
import operator
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from millpond.services.emr.errors import Validation
from millpond.services.emr.model.measures import NAMESPACE, UNITS
from millpond.services.emr.model.records import Group
from millpond.services.emr.shapes import (
    AutoScalingPolicy,
    CloudWatchAlarmDefinition,
    ScalingRule,
    SimpleScalingPolicyConfiguration,
)

WINDOW_SECONDS_MAX = 86_400
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "GREATER_THAN": operator.gt,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}
_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SAMPLE_COUNT": len,
    "AVERAGE": lambda values: math.fsum(values) / len(values),
    "SUM": math.fsum,
    "MINIMUM": min,
    "MAXIMUM": max,
}


class History:
    """What was measured of a cluster, for as long as its policies look back."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, Mapping[str, float]]] = deque()

    def add(self, now_ms: int, values: Mapping[str, float], groups: Iterable[Group]) -> None:
        """Keep those values that policies of the groups ask for, and forget what is too old."""
        definitions = [
            rule.trigger.cloud_watch_alarm_definition
            for group in groups
            if group.scaling is not None
            for rule in group.scaling.policy.rules
        ]
        names = {definition.metric_name for definition in definitions}
        self._samples.append((now_ms, {name: values[name] for name in names}))
        oldest_ms = now_ms - 2000 * max(map(_window_seconds, definitions), default=0)
        while self._samples[0][0] < oldest_ms:
            self._samples.popleft()

    def values(self, metric: str, after_ms: int, until_ms: int) -> list[float] | None:
        """The values of a span; None when it was not measured from its beginning."""
        if not self._samples or self._samples[0][0] > after_ms:
            return None
        found = [
            values[metric]
            for at_ms, values in self._samples
            if after_ms < at_ms <= until_ms and metric in values
        ]
        return found or None


def check_policy(policy: AutoScalingPolicy, role: str) -> None:
    """Refuse a policy that cannot work.

    Raises:
        Validation: what is wrong with it.
    """
    limits = policy.constraints
    if role == "MASTER":
        raise Validation("An automatic scaling policy cannot be attached to the master group.")
    if not (1 if role == "CORE" else 0) <= limits.min_capacity <= limits.max_capacity:
        raise Validation(
            f"The constraints MinCapacity {limits.min_capacity} and MaxCapacity "
            f"{limits.max_capacity} are not valid."
        )
    if not policy.rules:
        raise Validation("An automatic scaling policy must have at least one rule.")
    names = [rule.name for rule in policy.rules]
    if len(set(names)) != len(names):
        raise Validation("The names of the rules of an automatic scaling policy must be unique.")
    for rule in policy.rules:
        _check_rule(rule)


def _check_rule(rule: ScalingRule) -> None:
    alarm = rule.trigger.cloud_watch_alarm_definition
    action = rule.action.simple_scaling_policy_configuration
    if alarm.namespace not in (None, NAMESPACE):
        raise Validation(f"Rule {rule.name}: the namespace {alarm.namespace} is not supported.")
    if alarm.metric_name not in UNITS:
        raise Validation(
            f"Rule {rule.name}: the metric {alarm.metric_name} is not measured. "
            f"Measured are {', '.join(sorted(UNITS))}."
        )
    if alarm.period < 1 or (alarm.evaluation_periods or 1) < 1:
        raise Validation(f"Rule {rule.name}: Period and EvaluationPeriods must be at least 1.")
    if _window_seconds(alarm) > WINDOW_SECONDS_MAX:
        raise Validation(f"Rule {rule.name}: the periods to evaluate are longer than a day.")
    for dimension in alarm.dimensions or ():
        if dimension.key != "JobFlowId":
            raise Validation(f"Rule {rule.name}: the dimension {dimension.key} is not supported.")
    if action.adjustment_type == "EXACT_CAPACITY" and action.scaling_adjustment < 0:
        raise Validation(f"Rule {rule.name}: ScalingAdjustment must not be negative.")
    if rule.action.market is not None:
        raise Validation(f"Rule {rule.name}: Market is not supported; it is the group's.")
    if (action.cool_down or 0) < 0:
        raise Validation(f"Rule {rule.name}: CoolDown must not be negative.")


def decide(group: Group, history: History, now_ms: int) -> int | None:
    """The group's new size by the first rule that fires; None when it stays."""
    scaling, count = group.scaling, group.config.instance_count
    if scaling is None:
        return None
    limits = scaling.policy.constraints
    bounded = min(max(count, limits.min_capacity), limits.max_capacity)
    if bounded != count:
        return bounded
    for rule in scaling.policy.rules:
        alarm = rule.trigger.cloud_watch_alarm_definition
        action = rule.action.simple_scaling_policy_configuration
        rest_ms = 1000 * max(action.cool_down or 0, alarm.period)
        if now_ms < scaling.scaled_ms + rest_ms or not _breaches(alarm, history, now_ms):
            continue
        wanted = min(max(_adjusted(count, action), limits.min_capacity), limits.max_capacity)
        if wanted != count:
            return wanted
    return None


def _breaches(alarm: CloudWatchAlarmDefinition, history: History, now_ms: int) -> bool:
    compare, period_ms = _COMPARE[alarm.comparison_operator], alarm.period * 1000
    statistic = _STATISTICS[alarm.statistic or "AVERAGE"]
    for number in range(alarm.evaluation_periods or 1):
        until_ms = now_ms - number * period_ms
        values = history.values(alarm.metric_name, until_ms - period_ms, until_ms)
        if values is None or not compare(statistic(values), alarm.threshold):
            return False
    return True


def _adjusted(count: int, action: SimpleScalingPolicyConfiguration) -> int:
    change = action.scaling_adjustment
    if action.adjustment_type == "EXACT_CAPACITY":
        return change
    if change and action.adjustment_type == "PERCENT_CHANGE_IN_CAPACITY":
        part = count * change / 100
        change = max(1, math.floor(part)) if part > 0 else min(-1, math.ceil(part))
    return count + change


def _window_seconds(alarm: CloudWatchAlarmDefinition) -> int:
    return alarm.period * (alarm.evaluation_periods or 1)
