"""The life of a cluster and its steps: what happens, and what becomes of it.

A `Flow` is what one transaction holds of a cluster: the cluster and its steps that have not ended.
Events change it in place; `changed` are the steps that have to be written, besides the cluster, and
`gone` the instances that ended and are no more part of it.

    STARTING → BOOTSTRAPPING → RUNNING ⇄ WAITING → TERMINATING → TERMINATED[_WITH_ERRORS]
    PENDING → RUNNING → COMPLETED | FAILED | CANCELLED, by way of CANCEL_PENDING when it runs

Source: EMR Management Guide, "Understanding the cluster lifecycle", "Work with steps".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from millpond.services.emr import shapes
from millpond.services.emr.model import crew
from millpond.services.emr.model.records import (
    CLUSTER_ENDED,
    CLUSTER_ENDING,
    STEP_ENDED,
    Cluster,
    Failure,
    Instance,
    InstanceState,
    Step,
)

RESTARTED = Failure(
    reason="The platform was restarted while the step ran.",
    message="Its process has been ended. Add the step again to run it again.",
)
_ENDED = "Job flow terminated"
_GOOD_ENDS = frozenset({"USER_REQUEST", "ALL_STEPS_COMPLETED"})
_TERMINATING_ACTIONS = frozenset({"TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW"})

Cancellation = tuple[str, Literal["SUBMITTED", "FAILED"], str]
"""Step id, status, and the reason when it failed."""


class Flow:
    """See the module."""

    def __init__(self, cluster: Cluster, active: Iterable[Step]) -> None:
        self.cluster = cluster
        self.steps = {step.id: step for step in active}
        self.changed: dict[str, Step] = {}
        self.gone: list[Instance] = []

    @property
    def running(self) -> list[Step]:
        return [step for step in self.steps.values() if step.state in ("RUNNING", "CANCEL_PENDING")]

    @property
    def pending(self) -> list[Step]:
        return [step for step in self.steps.values() if step.state == "PENDING"]

    @property
    def is_ending(self) -> bool:
        return self.cluster.state in CLUSTER_ENDING

    # Of the cluster

    def begin_bootstrap(self) -> None:
        """The machine is there; bootstrap actions run."""
        if self.cluster.state == "STARTING":
            self._say("BOOTSTRAPPING", "Running bootstrap actions")

    def tell_progress(self, text: str) -> None:
        """What takes long before there is a machine."""
        if self.cluster.state == "STARTING":
            self._say("STARTING", text)

    def end_bootstrap_action(self, count: int) -> None:
        """`count` actions are done."""
        self.cluster = replace(self.cluster, bootstrapped=count)

    def be_ready(self, now_ms: int) -> None:
        """Bootstrapped: steps can run from now on."""
        if self.cluster.state in ("STARTING", "BOOTSTRAPPING"):
            self.cluster = replace(self.cluster, ready_ms=now_ms)
            bootstrapped = frozenset(
                one.ec2_id for one in self.cluster.instances if one.state == "BOOTSTRAPPING"
            )
            self.cluster = crew.advance(self.cluster, bootstrapped, "RUNNING", now_ms)
            self._say("RUNNING", "Running step")
            self._settle(now_ms)

    def terminate(self, code: str, message: str, now_ms: int) -> None:
        """Begin to end: what is pending is cancelled; what runs is ended by whoever runs it."""
        if self.is_ending:
            return
        self._cancel_pending(now_ms, "Job terminated")
        self.cluster = replace(self.cluster, reason_code=code, idle_since_ms=None)
        self._say("TERMINATING", message)

    def end(self, now_ms: int) -> None:
        """Everything is gone: the cluster has ended, and its last steps with it."""
        if self.cluster.state in CLUSTER_ENDED:
            return
        for step in list(self.steps.values()):
            self._end_step(replace(step, state="CANCELLED", message="Job terminated"), now_ms)
        self.cluster = replace(
            self.cluster,
            instances=tuple(
                crew.end(one, "CLUSTER_TERMINATED", _ENDED, now_ms)
                for one in self.cluster.instances
            ),
        )
        good = self.cluster.reason_code in _GOOD_ENDS
        state = "TERMINATED" if good else "TERMINATED_WITH_ERRORS"
        self.cluster = replace(self.cluster, state=state, end_ms=now_ms, access_key_id="")

    def idle_out(self, now_ms: int) -> bool:
        """End the cluster if it has been idle for as long as its policy allows."""
        due_ms = self.idle_until_ms
        if due_ms is None or now_ms < due_ms:
            return False
        seconds = self.cluster.idle_timeout_seconds
        message = f"Terminated by the auto-termination policy after {seconds} seconds idle"
        self.terminate("ALL_STEPS_COMPLETED", message, now_ms)
        return True

    @property
    def idle_until_ms(self) -> int | None:
        """When the auto-termination policy ends the cluster if nothing comes in between."""
        since_ms, seconds = self.cluster.idle_since_ms, self.cluster.idle_timeout_seconds
        if since_ms is None or seconds is None or self.cluster.termination_protected:
            return None
        return since_ms + seconds * 1000

    def configure(self, now_ms: int, **changes: object) -> None:
        """Change settings of the cluster (`keep_alive`, `idle_timeout_seconds`, …)."""
        self.cluster = replace(self.cluster, **changes)
        if "idle_timeout_seconds" in changes and self.cluster.idle_since_ms is not None:
            self.cluster = replace(self.cluster, idle_since_ms=now_ms)
        self._settle(now_ms)

    # Of its instances

    def staff(self, room: int, fresh: Callable[[str], str], now_ms: int) -> None:
        """Add the instances that it lacks, as far as there is room for `room` nodes."""
        if not self.is_ending:
            self.cluster = crew.grow(self.cluster, room, fresh, now_ms)

    def trim(self, busy: Mapping[str, int], now_ms: int) -> None:
        """Let those instances leave that it has too many, by the cores that each has in use."""
        if not self.is_ending:
            self.cluster = crew.shrink(self.cluster, busy, now_ms)

    def start_instances(self, ec2_ids: Iterable[str], now_ms: int) -> None:
        """The nodes of these instances are up."""
        state: InstanceState = "RUNNING" if self.cluster.is_ready else "BOOTSTRAPPING"
        self.cluster = crew.advance(self.cluster, frozenset(ec2_ids), state, now_ms)

    def end_leaving(self, now_ms: int) -> None:
        """The engine has ended, and with it the nodes that were leaving."""
        for one in self.cluster.instances:
            if one.is_alive and one.leaving is not None:
                self.end_instance(one.ec2_id, one.leaving.code, one.leaving.message, now_ms)

    def change(self, changed: Cluster) -> None:
        """The cluster as a rule of `model` has changed it."""
        self.cluster = changed

    def end_instance(self, ec2_id: str, code: str, message: str, now_ms: int) -> None:
        """An instance is no more; without its master the cluster cannot go on."""
        found = next((one for one in self.cluster.instances if one.ec2_id == ec2_id), None)
        if found is None or not found.is_alive:
            return
        ended = crew.end(found, code, message, now_ms)
        if found.role == "MASTER":
            self.terminate("INSTANCE_FAILURE", f"The master node was terminated. {message}", now_ms)
            return
        self.gone.append(ended)
        left = tuple(one for one in self.cluster.instances if one.ec2_id != ec2_id)
        spent = self.cluster.spent_hours + crew.hours(ended, now_ms)
        self.cluster = replace(self.cluster, instances=left, spent_hours=spent)

    # Of its steps

    def add_steps(
        self, configs: Sequence[shapes.StepConfig], ids: Sequence[str], now_ms: int
    ) -> None:
        """Add steps behind those that are there."""
        for config, step_id in zip(configs, ids, strict=True):
            number = self.cluster.steps_count + 1
            step = Step(id=step_id, number=number, config=config, created_ms=now_ms)
            self.cluster = replace(
                self.cluster, steps_count=number, active=(*self.cluster.active, number)
            )
            self.steps[step_id] = self.changed[step_id] = step
        self.cluster = replace(self.cluster, idle_since_ms=None)

    def start_next(self, now_ms: int) -> Step | None:
        """The next step, now RUNNING; None when none may start."""
        waiting = self.pending
        if (
            self.cluster.state not in ("RUNNING", "WAITING")
            or not waiting
            or len(self.running) >= self.cluster.step_concurrency
        ):
            return None
        step = replace(waiting[0], state="RUNNING", start_ms=now_ms)
        self.steps[step.id] = self.changed[step.id] = step
        self._say("RUNNING", "Running step")
        return step

    def end_step(self, step_id: str, failure: Failure | None, now_ms: int) -> None:
        """A running step has ended, well when there is no failure."""
        step = self.steps.get(step_id)
        if step is None or step.state in STEP_ENDED:
            return
        if step.state == "CANCEL_PENDING":
            self._end_step(replace(step, state="CANCELLED", message="Cancelled by user"), now_ms)
        elif failure is None:
            self._end_step(replace(step, state="COMPLETED"), now_ms)
        else:
            self._end_step(replace(step, state="FAILED", failure=failure), now_ms)
            self._act_on_failure(step, now_ms)
        self._settle(now_ms)

    def take_up(self, now_ms: int) -> None:
        """After a restart: what ran is not running any more, and what was leaving has left."""
        self.end_leaving(now_ms)
        for step in self.running:
            self.end_step(step.id, RESTARTED, now_ms)

    def cancel(self, step_ids: Sequence[str], forcibly: bool, now_ms: int) -> list[Cancellation]:
        """Cancel steps: those that wait at once, those that run by and by."""
        answers: list[Cancellation] = []
        for step_id in step_ids:
            step = self.steps.get(step_id)
            if step is None or step.state == "CANCEL_PENDING":
                reason = "Step is already being cancelled" if step else "Step has already completed"
                answers.append((step_id, "FAILED", reason))
                continue
            if step.state == "PENDING":
                self._end_step(
                    replace(step, state="CANCELLED", message="Cancelled by user"), now_ms
                )
            else:
                step = replace(step, state="CANCEL_PENDING", cancel_forcibly=forcibly)
                self.steps[step_id] = self.changed[step_id] = step
            answers.append((step_id, "SUBMITTED", ""))
        self._settle(now_ms)
        return answers

    def _act_on_failure(self, step: Step, now_ms: int) -> None:
        self.cluster = replace(self.cluster, has_failed_step=True)
        if step.action_on_failure == "CONTINUE" or self.cluster.step_concurrency > 1:
            return
        self._cancel_pending(now_ms, "Cancelled after a step before it failed")
        if (
            step.action_on_failure in _TERMINATING_ACTIONS
            and not self.cluster.termination_protected
        ):
            self.terminate("STEP_FAILURE", "Shut down as step failed", now_ms)

    def _cancel_pending(self, now_ms: int, message: str) -> None:
        for step in self.pending:
            self._end_step(replace(step, state="CANCELLED", message=message), now_ms)

    def _end_step(self, step: Step, now_ms: int) -> None:
        ended = replace(step, end_ms=now_ms)
        self.changed[step.id] = ended
        del self.steps[step.id]
        active = tuple(number for number in self.cluster.active if number != step.number)
        self.cluster = replace(self.cluster, active=active)

    def _settle(self, now_ms: int) -> None:
        """With nothing left to do, wait or end. Termination protection holds a cluster back only
        when a step of it failed, so that what is on it can be looked at."""
        if self.steps or self.cluster.state not in ("RUNNING", "WAITING"):
            return
        held = self.cluster.termination_protected and self.cluster.has_failed_step
        if not self.cluster.keep_alive and not held:
            errors = " with errors" if self.cluster.has_failed_step else ""
            self.terminate("ALL_STEPS_COMPLETED", f"Steps completed{errors}", now_ms)
        elif self.cluster.idle_since_ms is None:
            self.cluster = replace(self.cluster, idle_since_ms=now_ms)
            self._say("WAITING", "Cluster ready to run steps.")

    def _say(self, state: str, message: str) -> None:
        self.cluster = replace(self.cluster, state=state, reason_message=message)
