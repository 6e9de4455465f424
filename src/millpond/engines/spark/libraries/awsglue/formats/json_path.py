"""The part of JSONPath that finds records: `$`, `.name`, `['name']`, `[0]`, `[*]`, `.*`.

Raises NotSupported for filters, slices, unions and `..`.
"""

from __future__ import annotations

import re
from typing import Any

from ..refusals import NotSupported

_STEP = re.compile(r"\.(\*|[^.\[\]]+)|\[\s*(\*|\d+|'[^']*'|\"[^\"]*\")\s*\]")


class JsonPath:
    def __init__(self, text: str) -> None:
        rest = text.strip()
        rest = rest[1:] if rest.startswith("$") else "." + rest
        self._steps: list[Any] = []
        while rest:
            matched = _STEP.match(rest)
            if matched is None:
                raise NotSupported(f"The JSONPath {text} is not supported.")
            word = matched.group(1) or matched.group(2)
            if word.isdigit() and matched.group(2):
                self._steps.append(int(word))
            elif word == "*":
                self._steps.append(None)
            else:
                self._steps.append(word.strip("'\""))
            rest = rest[matched.end() :]

    def find(self, document: Any) -> list[Any]:
        """What it leads to; an array at its end is its elements."""
        found = [document]
        for step in self._steps:
            found = [one for value in found for one in _follow(value, step)]
        return [one for value in found for one in (value if isinstance(value, list) else [value])]


def _follow(value: Any, step: Any) -> list[Any]:
    if step is None:
        if isinstance(value, dict):
            return list(value.values())
        return value if isinstance(value, list) else []
    if isinstance(step, int):
        return value[step : step + 1] if isinstance(value, list) else []
    return [value[step]] if isinstance(value, dict) and step in value else []
