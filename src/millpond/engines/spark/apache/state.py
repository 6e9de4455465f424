"""What a master knows of its nodes and applications, as its page tells it in JSON.

Sources: Spark's `JsonProtocol.writeMasterState`, `ExecutorAllocationManagerSource`.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

_SECONDS_MAX = 5.0
_NEEDED_GAUGE = ".ExecutorAllocationManager.executors.numberMaxNeededExecutors"
_ANSWER_BYTES_MAX = 16 << 20


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A node as its master sees it; `is_alive`: it takes work."""

    port: int
    is_alive: bool
    cores: int
    cores_used: int
    memory_bytes: int
    memory_bytes_used: int


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """An application that is registered; `is_waiting`: it has no executor yet."""

    id: str
    cores: int
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class MasterState:
    """All of it."""

    workers: tuple[WorkerState, ...] = ()
    applications: tuple[ApplicationState, ...] = ()


async def ask_master(page_port: int) -> MasterState | None:
    """What the master knows now; None when it does not answer."""
    told = await get_json(page_port, "/json/")
    if not isinstance(told, dict):
        return None
    return MasterState(
        workers=tuple(
            WorkerState(
                port=worker["port"],
                is_alive=worker["state"] == "ALIVE",
                cores=worker["cores"],
                cores_used=worker["coresused"],
                memory_bytes=worker["memory"] << 20,
                memory_bytes_used=worker["memoryused"] << 20,
            )
            for worker in told["workers"]
        ),
        applications=tuple(
            ApplicationState(one["id"], one["cores"], one["state"] == "WAITING")
            for one in told["activeapps"]
        ),
    )


async def cores_needed(page_port: int) -> int:
    """How many cores the tasks of an application could use now, as its driver counts executors
    (of one core each); 0 when it has no page, or does not count."""
    told = await get_json(page_port, "/metrics/json/")
    gauges = told.get("gauges", {}) if isinstance(told, dict) else {}
    return sum(
        int(gauge["value"]) for name, gauge in gauges.items() if name.endswith(_NEEDED_GAUGE)
    )


async def get_json(port: int, path: str) -> Any:
    """The answer of a page of this machine; None when there is none."""
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n"
                writer.write(request.encode())
                answer = await reader.read(_ANSWER_BYTES_MAX)
                while more := await reader.read(_ANSWER_BYTES_MAX - len(answer)):
                    answer += more
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None
