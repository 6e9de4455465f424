"""Automatic scaling policies: when a rule fires, and what it makes of a group's size."""

import pytest

from millpond.services.emr import shapes
from millpond.services.emr.errors import Validation
from millpond.services.emr.model.auto_scaling import History, check_policy, decide
from millpond.services.emr.model.measures import UNITS
from millpond.services.emr.model.records import Group, Scaling

MINUTE_MS = 60_000


def rule(change=1, kind=None, cool_down=None, **alarm):
    definition = {
        "comparison_operator": "LESS_THAN",
        "metric_name": "YARNMemoryAvailablePercentage",
        "period": 60,
        "threshold": 15,
    } | alarm
    return shapes.ScalingRule(
        name=f"r{change}",
        action=shapes.ScalingAction(
            simple_scaling_policy_configuration=shapes.SimpleScalingPolicyConfiguration(
                adjustment_type=kind, scaling_adjustment=change, cool_down=cool_down
            )
        ),
        trigger=shapes.ScalingTrigger(
            cloud_watch_alarm_definition=shapes.CloudWatchAlarmDefinition(**definition)
        ),
    )


def policy(*rules, low=1, high=10):
    limits = shapes.ScalingConstraints(min_capacity=low, max_capacity=high)
    return shapes.AutoScalingPolicy(constraints=limits, rules=list(rules))


def group(*rules, count=4, scaled_ms=-(10**9), **limits):
    config = shapes.InstanceGroupConfig(
        instance_role="TASK", instance_type="m5.xlarge", instance_count=count
    )
    scaling = Scaling(policy=policy(*rules, **limits), scaled_ms=scaled_ms)
    return Group(id="ig-1", config=config, scaling=scaling)


def measured(one, *values, every_ms=MINUTE_MS // 4, **more):
    """A history of one metric's values, the last one now; and now."""
    history, now_ms = History(), 0
    for value in values:
        now_ms += every_ms
        history.add(now_ms, dict.fromkeys(UNITS, 50.0) | {
            "YARNMemoryAvailablePercentage": value, **more
        }, [one])  # fmt: skip
    return history, now_ms


def test_a_rule_fires_when_all_its_periods_breach():
    one = group(rule(2, evaluation_periods=2))
    assert decide(one, *measured(one, *[5.0] * 9)) == 6
    assert decide(one, *measured(one, *[90.0] * 5, *[5.0] * 4)) is None
    assert decide(one, *measured(one, *[5.0] * 8)) is None, "not measured for two whole periods"


def test_a_group_rests_after_a_change():
    one = group(rule(1, cool_down=300), scaled_ms=0)
    history, now_ms = measured(one, *[5.0] * 5)
    assert decide(one, history, now_ms) is None
    for _ in range(16):
        now_ms += MINUTE_MS // 4
        history.add(now_ms, dict.fromkeys(UNITS, 5.0), [one])
    assert decide(one, history, now_ms) == 5


@pytest.mark.parametrize(
    ("change", "kind", "count"),
    [
        (3, None, 7),
        (3, "CHANGE_IN_CAPACITY", 7),
        (-3, "CHANGE_IN_CAPACITY", 1),
        (-9, "CHANGE_IN_CAPACITY", 1),
        (99, "CHANGE_IN_CAPACITY", 10),
        (50, "PERCENT_CHANGE_IN_CAPACITY", 6),
        (10, "PERCENT_CHANGE_IN_CAPACITY", 5),
        (-10, "PERCENT_CHANGE_IN_CAPACITY", 3),
        (8, "EXACT_CAPACITY", 8),
        (4, "EXACT_CAPACITY", None),
    ],
)
def test_sizes_change_as_the_action_says_within_the_constraints(change, kind, count):
    one = group(rule(change, kind))
    assert decide(one, *measured(one, *[5.0] * 5)) == count


@pytest.mark.parametrize(
    ("statistic", "fires"), [("AVERAGE", False), ("MINIMUM", True), ("MAXIMUM", False)]
)
def test_the_statistic_of_a_period_is_compared(statistic, fires):
    one = group(rule(1, statistic=statistic))
    assert (decide(one, *measured(one, 50, 50, 50, 50, 5)) is not None) == fires


def test_the_first_rule_that_fires_counts():
    pending = {"metric_name": "ContainerPendingRatio", "comparison_operator": "GREATER_THAN",
               "threshold": 0.75}  # fmt: skip
    one = group(rule(3, **pending), rule(-1))
    assert decide(one, *measured(one, *[5.0] * 5, ContainerPendingRatio=1.0)) == 7
    assert decide(one, *measured(one, *[5.0] * 5, ContainerPendingRatio=0.5)) == 3


def test_a_group_outside_of_its_constraints_is_brought_inside():
    assert decide(group(rule(), count=12), History(), 0) == 10
    assert decide(group(rule(), count=1, low=3), History(), 0) == 3
    assert decide(group(rule()), History(), 0) is None


@pytest.mark.parametrize(
    ("made", "role", "message"),
    [
        (policy(rule()), "MASTER", "master group"),
        (policy(rule(), low=5, high=4), "TASK", "MinCapacity 5 and MaxCapacity 4"),
        (policy(rule(), low=0), "CORE", "MinCapacity 0"),
        (policy(), "TASK", "at least one rule"),
        (policy(rule(1), rule(1)), "TASK", "must be unique"),
        (policy(rule(metric_name="HDFSUtilization")), "TASK", "HDFSUtilization is not measured"),
        (policy(rule(namespace="Mine")), "TASK", "namespace Mine"),
        (policy(rule(period=0)), "TASK", "at least 1"),
        (policy(rule(period=3600, evaluation_periods=25)), "TASK", "longer than a day"),
        (policy(rule(-1, "EXACT_CAPACITY")), "TASK", "must not be negative"),
        (policy(rule(cool_down=-1)), "TASK", "CoolDown"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_work_is_refused(made, role, message):
    with pytest.raises(Validation, match=message):
        check_policy(made, role)


def test_a_policy_may_be_for_a_task_group_that_shrinks_to_nothing():
    check_policy(policy(rule(), low=0), "TASK")
