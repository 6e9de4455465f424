"""The life of a cluster and its steps, in random histories and in the cases that AWS documents."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from millpond.services.emr import shapes
from millpond.services.emr.model import crew
from millpond.services.emr.model.flow import RESTARTED, Flow
from millpond.services.emr.model.records import (
    CLUSTER_ENDED,
    STEP_ENDED,
    Cluster,
    Failure,
    Group,
    Instance,
)

FAILURE = Failure(reason="Unknown Error.", message="it broke")
ACTIONS = ("CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW", None)
SPEC = shapes.InstanceGroupConfig(
    instance_role="MASTER", instance_type="m5.xlarge", instance_count=1
)
MASTER = Instance(
    id="ci-1",
    ec2_id="i-1",
    part="ig-1",
    role="MASTER",
    instance_type="m5.xlarge",
    market="ON_DEMAND",
    created_ms=0,
)


def step(action=None, name="step"):
    jar = shapes.HadoopJarStepConfig(jar="command-runner.jar", args=["true"])
    return shapes.StepConfig(name=name, hadoop_jar_step=jar, action_on_failure=action)


def flow(*actions, ready=True, **changes):
    """A cluster whose steps have these actions on failure."""
    cluster = Cluster(
        id="j-1",
        arn="arn",
        request=shapes.RunJobFlowInput(name="n", instances=shapes.JobFlowInstancesConfig()),
        creator_arn="arn",
        created_ms=0,
        groups=(Group(id="ig-1", config=SPEC),),
        instances=(MASTER,),
        **changes,
    )
    made = Flow(cluster, ())
    made.add_steps([step(a) for a in actions], [f"s-{n}" for n in range(1, len(actions) + 1)], 0)
    if ready:
        made.begin_bootstrap()
        made.be_ready(1)
    return made


def states(made):
    return {step_id: changed.state for step_id, changed in made.changed.items()}


class Lives(RuleBasedStateMachine):
    """Whatever happens in whatever order, these hold."""

    def __init__(self):
        super().__init__()
        self.flow = flow(ready=False, keep_alive=True)
        self.now_ms = 0
        self.ended = {}
        self.count = 0
        core = shapes.InstanceGroupConfig(
            instance_role="CORE", instance_type="m5.xlarge", instance_count=2
        )
        groups = (*self.flow.cluster.groups, Group(id="ig-2", config=core))
        self.flow.change(replace(self.flow.cluster, groups=groups))
        self.names = itertools.count()

    def fresh(self, prefix):
        return f"{prefix}x{next(self.names)}"

    def tick(self):
        self.now_ms += 1000
        return self.now_ms

    @rule()
    def bootstrap(self):
        self.flow.begin_bootstrap()

    @rule()
    def be_ready(self):
        self.flow.be_ready(self.tick())

    @rule(actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3))
    def add(self, actions):
        if not self.flow.is_ending:
            ids = [f"s-{self.count + n}" for n in range(len(actions))]
            self.count += len(actions)
            self.flow.add_steps([step(a) for a in actions], ids, self.tick())

    @rule()
    def start(self):
        pending = self.flow.pending
        started = self.flow.start_next(self.tick())
        if started is not None:
            assert started.id == pending[0].id, "steps start in their order"
            assert not self.flow.is_ending

    @rule(failure=st.sampled_from([None, FAILURE]), last=st.booleans())
    def end_one(self, failure, last):
        if running := self.flow.running:
            self.flow.end_step(running[-1 if last else 0].id, failure, self.tick())

    @rule(forcibly=st.booleans(), last=st.booleans())
    def cancel(self, forcibly, last):
        ids = [*self.flow.steps, *self.ended]
        if ids:
            step_id = ids[-1 if last else 0]
            was = self.flow.steps[step_id].state if step_id in self.flow.steps else "ended"
            ((_, status, reason),) = self.flow.cancel([step_id], forcibly, self.tick())
            assert (status == "SUBMITTED") == (was in ("PENDING", "RUNNING"))
            assert bool(reason) == (status == "FAILED")

    @rule(name=st.sampled_from(("keep_alive", "termination_protected")), value=st.booleans())
    def configure(self, name, value):
        if not self.flow.is_ending:
            self.flow.configure(self.tick(), **{name: value})

    @rule(level=st.integers(1, 3))
    def concurrency(self, level):
        if not self.flow.is_ending:
            self.flow.configure(self.tick(), step_concurrency=level)

    @rule(seconds=st.sampled_from([None, 60]))
    def idle_policy(self, seconds):
        if not self.flow.is_ending:
            self.flow.configure(self.tick(), idle_timeout_seconds=seconds)

    @rule()
    def time_passes(self):
        self.now_ms += 60_000
        due = self.flow.idle_until_ms
        assert self.flow.idle_out(self.now_ms) == (due is not None and due <= self.now_ms)

    @rule(size=st.integers(1, 4), room=st.integers(0, 5))
    def resize(self, size, room):
        self.flow.change(crew.set_counts(self.flow.cluster, {("ig-2", "ON_DEMAND"): size}))
        self.flow.staff(room, self.fresh, self.tick())
        self.flow.trim({}, self.tick())

    @rule(count=st.integers(1, 3))
    def nodes_are_up(self, count):
        coming = [one for one in self.flow.cluster.instances if one.state == "PROVISIONING"]
        self.flow.start_instances([one.ec2_id for one in coming[:count]], self.tick())

    @rule(last=st.booleans())
    def an_instance_leaves(self, last):
        leaving = [one for one in self.flow.cluster.instances if one.leaving]
        if leaving:
            one = leaving[-1 if last else 0]
            self.flow.end_instance(one.ec2_id, "", one.leaving.message, self.tick())

    @rule()
    def restart(self):
        self.flow.take_up(self.tick())
        assert not self.flow.running

    @rule()
    def terminate(self):
        if not self.flow.cluster.termination_protected:
            self.flow.terminate("USER_REQUEST", "Terminated by user request", self.tick())

    @rule()
    def end(self):
        if self.flow.cluster.state == "TERMINATING":
            self.flow.end(self.tick())

    @invariant()
    def steps_end_once(self):
        for step_id, changed in self.flow.changed.items():
            if changed.state in STEP_ENDED:
                assert self.ended.setdefault(step_id, changed) == changed
                assert changed.end_ms is not None and changed.end_ms >= changed.created_ms
                assert (changed.failure is not None) == (changed.state == "FAILED")
                assert step_id not in self.flow.steps

    @invariant()
    def instances_end_once(self):
        here, gone = self.flow.cluster.instances, self.flow.gone
        ids = [one.ec2_id for one in (*here, *gone)]
        assert len(ids) == len(set(ids))
        for one in (*here, *gone):
            assert one.is_alive == (one.end_ms is None)
            assert (one.ready_ms is not None) or one.state != "RUNNING"
        assert not any(one.is_alive for one in gone)
        if self.flow.cluster.state in CLUSTER_ENDED:
            assert not any(one.is_alive for one in here)
        else:
            assert all(one.is_alive for one in here)

    @invariant()
    def what_is_active_is_known(self):
        numbers = tuple(step.number for step in self.flow.steps.values())
        assert self.flow.cluster.active == numbers == tuple(sorted(numbers))

    @invariant()
    def states_agree(self):
        cluster = self.flow.cluster
        if cluster.state in CLUSTER_ENDED:
            assert not self.flow.steps and cluster.end_ms is not None
        if cluster.state == "TERMINATING":
            assert not self.flow.pending and cluster.reason_code
        if cluster.state == "WAITING":
            assert not self.flow.running
        if cluster.state in ("STARTING", "BOOTSTRAPPING"):
            assert not self.flow.running and cluster.ready_ms is None
        assert (cluster.idle_since_ms is not None) <= (cluster.state == "WAITING")


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_cluster_ends_when_its_steps_are_done():
    made = flow("CONTINUE")
    made.start_next(2)
    assert made.cluster.state == "RUNNING"
    made.end_step("s-1", None, 3)
    assert made.cluster.state == "TERMINATING"
    made.end(4)
    cluster = made.cluster
    assert (cluster.state, cluster.reason_code) == ("TERMINATED", "ALL_STEPS_COMPLETED")
    assert cluster.reason_message == "Steps completed"
    assert (cluster.ready_ms, cluster.end_ms) == (1, 4)


def test_a_cluster_that_is_kept_alive_waits():
    made = flow("CONTINUE", keep_alive=True)
    made.start_next(2)
    made.end_step("s-1", FAILURE, 3)
    assert (made.cluster.state, states(made)) == ("WAITING", {"s-1": "FAILED"})
    made.configure(9, keep_alive=False)
    assert made.cluster.reason_message == "Steps completed with errors"
    made.end(10)
    assert made.cluster.state == "TERMINATED"


@pytest.mark.parametrize("action", ["TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW", None])
def test_a_failed_step_ends_its_cluster(action):
    made = flow(action, "CONTINUE", keep_alive=True)
    made.start_next(2)
    made.end_step("s-1", FAILURE, 3)
    assert states(made) == {"s-1": "FAILED", "s-2": "CANCELLED"}
    made.end(4)
    cluster = made.cluster
    assert (cluster.state, cluster.reason_code) == ("TERMINATED_WITH_ERRORS", "STEP_FAILURE")
    assert cluster.reason_message == "Shut down as step failed"


def test_termination_protection_keeps_a_cluster_whose_step_failed():
    made = flow("TERMINATE_CLUSTER", "CONTINUE", termination_protected=True)
    made.start_next(2)
    made.end_step("s-1", FAILURE, 3)
    assert made.cluster.state == "WAITING"
    assert states(made) == {"s-1": "FAILED", "s-2": "CANCELLED"}


def test_a_failed_step_can_cancel_what_waits():
    made = flow("CANCEL_AND_WAIT", "CONTINUE", keep_alive=True)
    made.start_next(2)
    made.end_step("s-1", FAILURE, 3)
    assert states(made) == {"s-1": "FAILED", "s-2": "CANCELLED"}
    assert made.cluster.state == "WAITING"


def test_a_failed_step_changes_nothing_for_others_that_run_beside_it():
    made = flow("TERMINATE_CLUSTER", "CONTINUE", "CONTINUE", keep_alive=True, step_concurrency=2)
    made.start_next(2)
    made.start_next(2)
    assert made.start_next(2) is None
    made.end_step("s-1", FAILURE, 3)
    assert states(made) == {"s-1": "FAILED", "s-2": "RUNNING", "s-3": "PENDING"}
    assert made.start_next(4).id == "s-3"


def test_after_a_restart_the_running_step_has_failed_and_the_rest_goes_on():
    made = flow("CONTINUE", "CONTINUE")
    made.start_next(2)
    made.take_up(3)
    assert states(made) == {"s-1": "FAILED", "s-2": "PENDING"}
    assert made.changed["s-1"].failure == RESTARTED
    assert made.start_next(4).id == "s-2"


def test_a_cancelled_running_step_is_cancelled_once_it_has_ended():
    made = flow("TERMINATE_CLUSTER", keep_alive=True)
    made.start_next(2)
    assert made.cancel(["s-1"], True, 3) == [("s-1", "SUBMITTED", "")]
    assert made.steps["s-1"].state == "CANCEL_PENDING"
    made.end_step("s-1", FAILURE, 4)
    assert states(made) == {"s-1": "CANCELLED"}
    assert made.cluster.state == "WAITING"


def test_termination_cancels_what_waits_and_what_runs():
    made = flow("CONTINUE", "CONTINUE", keep_alive=True)
    made.start_next(2)
    made.terminate("USER_REQUEST", "Terminated by user request", 3)
    assert states(made) == {"s-1": "RUNNING", "s-2": "CANCELLED"}
    made.end(4)
    assert states(made) == {"s-1": "CANCELLED", "s-2": "CANCELLED"}
    assert made.cluster.state == "TERMINATED"


def test_idleness_counts_from_the_last_step_or_the_policy():
    made = flow("CONTINUE", keep_alive=True, idle_timeout_seconds=60)
    assert made.idle_until_ms is None
    made.start_next(2)
    made.end_step("s-1", None, 10_000)
    assert made.idle_until_ms == 70_000
    made.configure(20_000, idle_timeout_seconds=120)
    assert made.idle_until_ms == 140_000
    assert not made.idle_out(139_999)
    assert made.idle_out(140_000)
    assert made.cluster.state == "TERMINATING"
