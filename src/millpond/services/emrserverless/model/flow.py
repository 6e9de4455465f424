"""The life of an application and of a job run: what happens, and what becomes of them.

A `Flow` is what one transaction holds: an application, and one of its job runs unless only the
application is meant. Events change them in place; whoever holds the flow writes them, the attempt
that has ended if there is one, and wakes whom it names.

    CREATING → CREATED → STARTING → STARTED → STOPPING → STOPPED (→ STARTING), TERMINATED
    SUBMITTED (→ QUEUED) → SCHEDULED → RUNNING → SUCCESS | FAILED, CANCELLED by way of CANCELLING

A failed attempt that the retry policy answers for makes the run SCHEDULED again.

Source: EMR Serverless User Guide, "Application states", "Job run states", "Job resiliency", "Job
concurrency and queuing".
"""

from msgspec.structs import replace

from millpond.services.emrserverless.model.applications import (
    concurrent_runs,
    idle_minutes,
    queue_minutes,
)
from millpond.services.emrserverless.model.capacity import exceeded, free_of, grant, maximum_of
from millpond.services.emrserverless.model.records import (
    AT_REST,
    RUN_ENDED,
    RUN_WAITING,
    Application,
    Attempt,
    JobRun,
    RunState,
    Workers,
)
from millpond.services.emrserverless.model.submission import (
    FAILURES_PER_HOUR_DEFAULT,
    could_ever_fit,
    timeout_minutes,
)
from millpond.services.emrserverless.model.usage import billed_for, run_seconds, used_by

RESTARTED = "The platform was restarted while the job run ran; its process has been ended."
AUTO_STOPPING = "AUTO_STOPPING"
_DETAILS_LENGTH_MAX = 256
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000


class Flow:
    """See the module."""

    def __init__(self, application: Application, run: JobRun | None = None) -> None:
        self.application = application
        self._run = run
        self.ended_attempt: Attempt | None = None
        self.wakes_application = False
        self.wakes_runs: set[str] = set()

    @property
    def run(self) -> JobRun:
        assert self._run is not None
        return self._run

    @property
    def has_run(self) -> bool:
        return self._run is not None

    # Of the application

    def be_created(self, now_ms: int) -> None:
        """It is ready to be started."""
        if self.application.state == "CREATING":
            self._say("CREATED", "", now_ms)

    def start(self, now_ms: int) -> None:
        """Have it started, if it is at rest."""
        if self.application.state in AT_REST:
            self._say("STARTING", "", now_ms)
            self.wakes_application = True

    def be_started(self, now_ms: int) -> None:
        """What it starts with is there: job runs may begin."""
        if self.application.state == "STARTING":
            self._say("STARTED", "", now_ms)
            self._settle(now_ms)
            self.wakes_runs |= set(self.application.waiting)

    def fail_to_start(self, reason: str, now_ms: int) -> None:
        """It cannot be started: the runs that wait for it fail."""
        if self.application.state == "STARTING":
            self._say("STOPPED", reason, now_ms)
            self.wakes_runs |= set(self.application.waiting)

    def stop(self, now_ms: int, details: str = "") -> None:
        """Have it stopped, if it is started; it must have no job runs."""
        assert not self.application.active
        assert not self.application.waiting
        if self.application.state in ("STARTING", "STARTED"):
            self._say("STOPPING", details, now_ms)
            self.application = replace(self.application, idle_since_ms=None)
            self.wakes_application = True

    def be_stopped(self, now_ms: int) -> None:
        """All that it had is gone. A run that came meanwhile has it started again."""
        if self.application.state == "STOPPING":
            self._say("STOPPED", self.application.details, now_ms)
            if self.application.waiting:
                self.start(now_ms)

    def terminate(self, now_ms: int) -> None:
        """It is deleted."""
        self._say("TERMINATED", "", now_ms)

    @property
    def idle_until_ms(self) -> int | None:
        """When it stops by itself if nothing comes in between."""
        since_ms, minutes = self.application.idle_since_ms, idle_minutes(self.application)
        if since_ms is None or minutes is None:
            return None
        return since_ms + minutes * _MINUTE_MS

    def idle_out(self, now_ms: int) -> None:
        """Stop it if it has been idle for as long as it may be."""
        until_ms = self.idle_until_ms
        if until_ms is not None and now_ms >= until_ms:
            self.stop(now_ms, AUTO_STOPPING)

    # Of the job run

    def submit(self, now_ms: int) -> None:
        """The run is new: it waits for a place, and the application is started for it."""
        waiting = (*self.application.waiting, self.run.id)
        self.application = replace(self.application, waiting=waiting, idle_since_ms=None)
        self.start(now_ms)
        self.wakes_application = True
        self.wakes_runs.add(self.run.id)

    def seek_place(self, now_ms: int) -> None:
        """Give a waiting run its place, leave it where it is, or let it fail."""
        application, run = self.application, self.run
        if run.state not in RUN_WAITING:
            return
        if application.state in AT_REST or application.state == "TERMINATED":
            self._end("FAILED", f"The application could not start: {application.details}", now_ms)
        elif application.state != "STARTED":
            return
        elif not could_ever_fit(application, run):
            self._end("FAILED", exceeded(application.asked), now_ms)
        elif granted := self._grant():
            self._schedule(granted, now_ms)
        elif application.asked.scheduler_configuration is None:
            self._end("FAILED", exceeded(application.asked), now_ms)
        elif (until_ms := self.queued_until_ms) is None:
            self.change(now_ms, state="QUEUED", queued_since_ms=now_ms)
        elif now_ms >= until_ms:
            self._end(
                "FAILED", "The job run was queued for longer than queueTimeoutMinutes.", now_ms
            )

    @property
    def queued_until_ms(self) -> int | None:
        """When a queued run has waited for too long."""
        scheduler = self.application.asked.scheduler_configuration
        since_ms = self.run.queued_since_ms
        if scheduler is None or since_ms is None:
            return None
        return since_ms + queue_minutes(scheduler) * _MINUTE_MS

    @property
    def due_ms(self) -> int | None:
        """When the run has taken as long as it may."""
        minutes, since_ms = timeout_minutes(self.run.request), self.run.scheduled_ms
        return since_ms + minutes * _MINUTE_MS if minutes and since_ms is not None else None

    def begin(self, now_ms: int) -> bool:
        """Its driver is about to be started; whether it may be."""
        run = self.run
        if run.state != "SCHEDULED":
            return False
        first = run.started_ms or now_ms
        self.change(
            now_ms, state="RUNNING", details="", started_ms=first, attempt_started_ms=now_ms
        )
        return True

    def take_up(self, now_ms: int) -> None:
        """After a restart: what ran is not running any more."""
        if self.run.state in ("RUNNING", "CANCELLING"):
            self.end_attempt(RESTARTED, now_ms)

    def cancel(self, text: str, grace_seconds: int, now_ms: int) -> None:
        """Have it end: at once if it has no place yet, else by whoever runs it."""
        if self.run.state in RUN_WAITING:
            self._end("CANCELLED", text, now_ms)
        elif self.run.state in ("SCHEDULED", "RUNNING"):
            self.change(
                now_ms, state="CANCELLING", cancel_text=text, cancel_grace_seconds=grace_seconds
            )
        self.wakes_runs.add(self.run.id)

    def time_out(self, now_ms: int) -> None:
        """Cancel it if it has taken as long as it may."""
        if self.due_ms is not None and now_ms >= self.due_ms:
            minutes = timeout_minutes(self.run.request)
            self.cancel(f"The job run exceeded its timeout of {minutes} minutes.", 0, now_ms)

    def end_attempt(self, failure: str, now_ms: int) -> None:
        """The present attempt has ended, well when there is no failure; it is tried again if the
        run may be."""
        run = self.run
        if run.state in RUN_ENDED or run.state in RUN_WAITING:
            return
        if run.state == "CANCELLING":
            self._end_attempt_as("CANCELLED", run.cancel_text, now_ms)
            self._end("CANCELLED", run.cancel_text, now_ms)
        elif not failure:
            self._end_attempt_as("SUCCESS", "", now_ms)
            self._end("SUCCESS", "", now_ms)
        else:
            self._end_attempt_as("FAILED", failure, now_ms)
            if self._may_retry(now_ms):
                self._retry(now_ms)
            else:
                self._end("FAILED", failure, now_ms)

    def change(self, now_ms: int, **changes: object) -> None:
        """Change facts of the run."""
        self._run = replace(self.run, updated_ms=now_ms, attempt_updated_ms=now_ms, **changes)

    def _grant(self) -> Workers | None:
        """The workers that the run can have now; None when others are before it, or have them."""
        application = self.application
        scheduler = application.asked.scheduler_configuration
        if scheduler is not None and (
            application.waiting[0] != self.run.id
            or len(application.active) >= concurrent_runs(scheduler)
        ):
            return None
        free = free_of(maximum_of(application.asked), application.occupied)
        return grant(self.run.wanted, free)

    def _schedule(self, granted: Workers, now_ms: int) -> None:
        run = self.run
        waiting = tuple(one for one in self.application.waiting if one != run.id)
        active = {**self.application.active, run.id: granted.together}
        self.application = replace(self.application, waiting=waiting, active=active)
        self.wakes_runs |= set(waiting[:1])
        queued_ms = now_ms - run.queued_since_ms if run.queued_since_ms is not None else 0
        self.change(
            now_ms,
            state="SCHEDULED",
            granted=granted,
            scheduled_ms=now_ms,
            queued_ms=queued_ms,
            queued_since_ms=None,
        )

    def _may_retry(self, now_ms: int) -> bool:
        run, policy = self.run, self.run.request.retry_policy
        if run.mode == "BATCH":
            return run.attempt < ((policy and policy.max_attempts) or 1)
        limit = (policy and policy.max_failed_attempts_per_hour) or FAILURES_PER_HOUR_DEFAULT
        lately = sum(failed_ms > now_ms - _HOUR_MS for failed_ms in run.failures_ms) + 1
        return lately <= limit

    def _retry(self, now_ms: int) -> None:
        run = self.run
        lately = (ms for ms in run.failures_ms if ms > now_ms - _HOUR_MS)
        self.change(
            now_ms,
            state="SCHEDULED",
            attempt=run.attempt + 1,
            attempt_created_ms=now_ms,
            attempt_started_ms=None,
            failures_ms=(*lately, now_ms) if run.mode == "STREAMING" else (),
        )

    def _end_attempt_as(self, state: RunState, details: str, now_ms: int) -> None:
        run = self.run
        seconds = run_seconds(run.attempt_started_ms, now_ms)
        used, billed = used_by(run.granted, seconds), billed_for(run.granted, seconds)
        self.ended_attempt = Attempt(
            number=run.attempt,
            state=state,
            details=details[:_DETAILS_LENGTH_MAX],
            created_ms=run.attempt_created_ms,
            updated_ms=now_ms,
            started_ms=run.attempt_started_ms,
            ended_ms=now_ms,
            used=used,
            billed=billed,
            run_seconds=seconds,
        )
        self.change(
            now_ms,
            used=run.used.plus(used),
            billed=run.billed.plus(billed),
            run_seconds=run.run_seconds + seconds,
        )

    def _end(self, state: RunState, details: str, now_ms: int) -> None:
        run = self.run
        queued_ms = run.queued_ms
        if run.queued_since_ms is not None:
            queued_ms = now_ms - run.queued_since_ms
        self.change(
            now_ms,
            state=state,
            details=details[:_DETAILS_LENGTH_MAX],
            ended_ms=now_ms,
            queued_ms=queued_ms,
            queued_since_ms=None,
        )
        application = self.application
        self.application = replace(
            application,
            waiting=tuple(one for one in application.waiting if one != run.id),
            active={key: value for key, value in application.active.items() if key != run.id},
        )
        self._settle(now_ms)
        self.wakes_runs |= set(self.application.waiting[:1])
        self.wakes_application = True

    def _settle(self, now_ms: int) -> None:
        """With nothing to do, it is idle from now on."""
        application = self.application
        busy = application.active or application.waiting
        if application.state == "STARTED" and not busy and application.idle_since_ms is None:
            self.application = replace(application, idle_since_ms=now_ms)

    def _say(self, state: str, details: str, now_ms: int) -> None:
        details = details[:_DETAILS_LENGTH_MAX]
        self.application = replace(
            self.application, state=state, details=details, updated_ms=now_ms
        )
