"""Runs operations: again when a race was lost, and with every failure turned into a refusal.

Services call one another here too, in this process, with the same authorisation and refusals as
over the socket.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from millpond.gateway.authorise import authorise, authorise_items
from millpond.gateway.refusals import Trouble, refuse
from millpond.gateway.service import Handler, Service
from millpond.kernel.call import Call, Caller
from millpond.kernel.errors import Conflict, Full, ServiceError, Unavailable
from millpond.wire.errors import NotImplementedByMillpond
from millpond.wire.members import from_members, to_members
from millpond.wire.shape import Operation, ServiceModel

ATTEMPTS_MAX = 24
"""How often an operation is run before its lost races are told to the client."""
_PAUSE_SECONDS = 0.001
_PAUSE_SECONDS_MAX = 0.1

_log = logging.getLogger("millpond.gateway")


def handler_of(service: Service, operation: str) -> Handler:
    """The function of an operation.

    Raises:
        ServiceError: NotImplemented, naming it.
    """
    handler = service.operations.get(operation)
    if handler is None:
        raise NotImplementedByMillpond(service.model.name, operation)
    return handler


async def run(
    service: Service,
    call: Call,
    request: Any,
    *,
    may_repeat: Callable[[], bool] | None = None,
) -> Any:
    """The answer of an operation.

    A `Conflict` runs it again from its start, unless `may_repeat` says no: a request whose body was
    read from the socket cannot be read again.

    Raises:
        ServiceError: the operation's refusal, or the gateway's where the platform failed.
    """
    handler = handler_of(service, call.operation)
    model = service.model
    for attempt in range(ATTEMPTS_MAX):
        try:
            return await handler(service.needs, call, request)
        except ServiceError:
            raise
        except Conflict:
            if may_repeat is not None and not may_repeat():
                break
            longest = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS * 2**attempt)
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - only spreads the load
        except Full as error:
            _log.error("%s: no space left: %s", _named(call), error)
            raise refuse(model, Trouble.FULL) from error
        except Unavailable as error:
            _log.error("%s: unavailable: %s", _named(call), error)
            raise refuse(model, Trouble.OVERLOADED) from error
        except Exception as error:
            _log.exception("%s failed", _named(call))
            raise refuse(model, Trouble.INTERNAL) from error
    _log.warning("%s: gave up after losing every race", _named(call))
    raise refuse(model, Trouble.OVERLOADED)


class InProcessCaller:
    """Calls the operations `allowed` (service and operation by our names) of `services`."""

    def __init__(
        self, services: Mapping[str, Service], allowed: Collection[tuple[str, str]]
    ) -> None:
        self._services = services
        self._allowed = frozenset(allowed)

    async def __call__(
        self, call: Call, service: str, operation: str, /, **members: Any
    ) -> dict[str, Any]:
        if (service, operation) not in self._allowed:
            raise AssertionError(
                f"{call.service} does not say that it calls {service} {operation}."
            )
        callee = self._services[service]
        shape = _operation(callee.model, operation)
        authorise(call.principal, callee.model, operation)
        request = from_members(shape, members, callee.model.validation_code)
        authorise_items(call.principal, callee.model, operation, request)
        inner = replace(call, service=service, operation=operation)
        answer = await run(callee, inner, request)
        return to_members(shape, answer)


def _operation(model: ServiceModel, name: str) -> Operation:
    operation = model.operations.get(name)
    if operation is None:
        raise NotImplementedByMillpond(model.name, name)
    return operation


def _named(call: Call) -> str:
    return f"{call.service} {call.operation} [{call.request_id}]"


def caller(services: Mapping[str, Service], allowed: Collection[tuple[str, str]]) -> Caller:
    """What wiring lends a service whose `CALLS` are `allowed`. `services` may be filled later."""
    return InProcessCaller(services, allowed)
