"""What the gateway, the in-process caller and the supervisor know of a service: tables."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from millpond.kernel.tasks import Step
from millpond.wire.shape import ServiceModel

Handler = Callable[[Any, Any, Any], Awaitable[Any]]
"""`async def operation(needs, call, request) -> answer`, with Structs of the service's `shapes`."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service as wiring puts it together: its model, its operations, its steps, its needs."""

    model: ServiceModel
    operations: Mapping[str, Handler]
    needs: Any
    steps: Mapping[str, Step] = field(default_factory=dict)
