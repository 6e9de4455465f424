"""Which operation a REST request is: by method, path, query parameters and headers.

Operations that share method and path are told apart by what they cannot do without: a literal in
their path (`?uploads`), a required query parameter (`uploadId`) or header
(`x-amz-copy-source`). The operation that asks for most, and gets it, is the one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from millpond.wire.http import HeaderMap
from millpond.wire.shape import Operation, ServiceModel

_LABEL = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation's place. `literals` are parameters that must have this value ("": any)."""

    operation: Operation
    implemented: bool
    path: re.Pattern[str]
    literals: tuple[tuple[str, str], ...]

    @property
    def weight(self) -> tuple[int, bool]:
        operation = self.operation
        asked = len(self.literals) + len(operation.query) + len(operation.headers)
        return asked, self.implemented

    def accepts(self, query: Mapping[str, str], headers: HeaderMap) -> bool:
        """Everything is there that this operation asks for."""
        return (
            self.has_literals(query)
            and all(name in query for name in self.operation.query)
            and all(name in headers for name in self.operation.headers)
        )

    def has_literals(self, query: Mapping[str, str]) -> bool:
        return all(
            name in query and (not value or query[name] == value) for name, value in self.literals
        )


@dataclass(frozen=True, slots=True)
class Match:
    """A request's operation. `missing` is a parameter of which only the companions are there:
    then the request is nearly another operation, and must not be taken for this one."""

    operation: Operation
    implemented: bool
    labels: Mapping[str, str]
    missing: str = ""


class Router:
    """All operations of a service, implemented or not."""

    def __init__(self, model: ServiceModel) -> None:
        groups: dict[tuple[str, str], list[Route]] = {}
        for implemented, operations in ((True, model.operations), (False, model.absent)):
            for operation in operations.values():
                path, _, query = operation.uri.partition("?")
                literals = tuple(
                    (name, value)
                    for name, _, value in (part.partition("=") for part in query.split("&"))
                    if name
                )
                route = Route(operation, implemented, _compile(path), literals)
                groups.setdefault((operation.method, route.path.pattern), []).append(route)
        self._by_method: dict[str, list[list[Route]]] = {}
        for (method, _), routes in sorted(groups.items(), key=lambda group: _order(group[1][0])):
            routes.sort(key=lambda route: route.weight, reverse=True)
            self._by_method.setdefault(method, []).append(routes)

    def match(
        self, method: str, path: str, query: Mapping[str, str], headers: HeaderMap
    ) -> Match | None:
        """The operation, or None when no operation has this method and path."""
        for routes in self._by_method.get(method, ()):
            labels = routes[0].path.fullmatch(path)
            if labels is None:
                continue
            for route in routes:
                if route.accepts(query, headers):
                    missing = _nearly_another(routes, route, query) if query else ""
                    return Match(route.operation, route.implemented, labels.groupdict(), missing)
        return None

    def labels(self, operation: Operation, path: str) -> Mapping[str, str]:
        """The labels in the path of a request that is known to be `operation`."""
        match = _compile(operation.uri.partition("?")[0]).fullmatch(path)
        return match.groupdict() if match else {}


def _nearly_another(routes: list[Route], chosen: Route, query: Mapping[str, str]) -> str:
    for route in routes:
        others = set(route.operation.query) - set(chosen.operation.query)
        missing = [name for name in route.operation.query if name not in query]
        if missing and route.has_literals(query) and any(name in query for name in others):
            return missing[0]
    return ""


@cache
def _compile(path: str) -> re.Pattern[str]:
    """A label is one segment. An ARN is too, but the path comes decoded: the slashes in it are no
    different from those around it."""
    pattern, end = "", 0
    for label in _LABEL.finditer(path):
        pattern += re.escape(path[end : label.start()])
        name = label.group(1)
        whole = label.group(2) or name.lower().endswith("arn")
        pattern += f"(?P<{name}>{'.+' if whole else '[^/]+'})"
        end = label.end()
    pattern += re.escape(path[end:])
    trailing = "" if path.endswith(("/", "+}")) else "/?"
    return re.compile(pattern + trailing, re.DOTALL)


def _order(route: Route) -> tuple[int, int, str]:
    """Fixed paths before labels, longer before shorter."""
    path = route.operation.uri.partition("?")[0]
    return path.count("{") + 8 * path.count("+}"), -len(path), path
