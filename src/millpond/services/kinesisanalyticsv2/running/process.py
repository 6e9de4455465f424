"""One process of an application: started with what its records say, listened to until it ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.streams.interface import (
    Access,
    Checkpointed,
    Finished,
    Logged,
    Measured,
    Order,
    Program,
    Restore,
    Run,
)
from millpond.services.kinesisanalyticsv2.model.application import Application, Version
from millpond.services.kinesisanalyticsv2.running.log import ApplicationLog
from millpond.services.kinesisanalyticsv2.running.metering import ApplicationMeter

_FLINK = "FlinkApplicationConfigurationDescription"
CHECKPOINT_MS_DEFAULT, PAUSE_MS_DEFAULT = 60_000, 5_000
"""Those of SQL applications, which have no setting of their own."""


@dataclass(slots=True)
class Process:
    """A run of the engine. `began_ms` is when it began; `ended` gives how it ended."""

    run: Run
    began_ms: int
    ended: asyncio.Task[Finished]
    listening: asyncio.Task[None]

    async def finish(self) -> Finished:
        """How it ended, once all that it told has been heard."""
        finished = await self.ended
        await asyncio.wait([self.listening])
        return finished


def follow(
    run: Run,
    began_ms: int,
    meter: ApplicationMeter,
    log: ApplicationLog,
    has_checkpoint: Callable[[], None],
) -> Process:
    """Listen to a run. `has_checkpoint` is called after each checkpoint of it."""

    async def listen() -> None:
        async for event in run.events():
            if isinstance(event, Measured):
                meter.measured(event)
            elif isinstance(event, Logged):
                log.say(event.level, event.text, event.logger, event.time_ms)
            elif isinstance(event, Checkpointed):
                meter.checkpointed(event)
                if event.failure:
                    log.say("WARN", f"Checkpoint {event.number} failed: {event.failure}")
                else:
                    has_checkpoint()

    return Process(run, began_ms, asyncio.create_task(run.wait()), asyncio.create_task(listen()))


def order_of(
    application: Application,
    version: Version,
    program: Program,
    access: Access,
    folder: Path,
    memory_bytes: int,
) -> Order:
    """What the engine is told to start: `folder` is where it keeps the application's state."""
    described = version.configuration.get(_FLINK, {})
    checkpoints = described.get("CheckpointConfigurationDescription", {})
    monitoring = described.get("MonitoringConfigurationDescription", {})
    parallelism = described.get("ParallelismConfigurationDescription", {})
    interval_ms = checkpoints.get("CheckpointInterval", CHECKPOINT_MS_DEFAULT)
    pause_ms = checkpoints.get("MinPauseBetweenCheckpoints", PAUSE_MS_DEFAULT)
    run = application.run
    restore: str | Restore = Restore.NOTHING
    if run.restore == "latest":
        restore = Restore.LATEST
    elif run.restore == "snapshot":
        restore = run.snapshot
    return Order(
        name=application.name,
        program=program,
        folder=folder,
        access=access,
        restore=restore,
        origin=run.origin,
        allow_non_restored_state=run.allow_non_restored_state,
        parallelism=parallelism.get("Parallelism", 1),
        memory_bytes=memory_bytes,
        checkpoint_seconds=interval_ms / 1000
        if checkpoints.get("CheckpointingEnabled", True)
        else 0.0,
        checkpoint_pause_seconds=pause_ms / 1000,
        log_level=monitoring.get("LogLevel", "INFO"),
    )
