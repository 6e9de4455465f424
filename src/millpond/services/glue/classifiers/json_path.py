"""The JSON paths of classifiers: where in a document its records stand.

`$`, `.name` or `['name']`, `[n]` and `[*]` (or `[]`): what Glue's guide shows. The path `$[*]`
gives the items of an array at the root, `$.records[*]` those of a member.

Source: Glue developer guide, "Writing JSON custom classifiers".
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

_STEP = re.compile(r"""\.([^.\[\]'"*]+)|\[(?:'([^']+)'|"([^"]+)"|(\d{1,9})|(\*?))\]|\.(\*)""")
STEPS_MAX = 32

Step = str | int | None
"""A member, an item, or (None) all of them."""


class BadJsonPath(ValueError):
    """The path cannot be read; the text names it."""


def parse_json_path(path: str) -> tuple[Step, ...]:
    """The steps from the root.

    Raises:
        BadJsonPath: it uses what is not there in Glue's paths.
    """
    text = path.strip()
    if not text.startswith("$"):
        raise BadJsonPath(f"The JSON path {path} does not begin with $.")
    steps: list[Step] = []
    position = 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None or len(steps) == STEPS_MAX:
            raise BadJsonPath(f"The JSON path {path} cannot be read at {text[position:][:40]!r}.")
        name = found[1] or found[2] or found[3]
        steps.append(name if name else int(found[4]) if found[4] else None)
        position = found.end()
    return tuple(steps)


def select(values: Iterable[Any], steps: tuple[Step, ...]) -> Iterator[Any]:
    """What stands at the steps of each value; what is not there is left out."""
    for value in values:
        yield from _select(value, steps)


def _select(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        parts = value if isinstance(value, list) else ()
        if isinstance(value, dict):
            parts = list(value.values())
        for part in parts:
            yield from _select(part, rest)
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield from _select(value[step], rest)
    elif isinstance(value, dict) and step in value:
        yield from _select(value[step], rest)
