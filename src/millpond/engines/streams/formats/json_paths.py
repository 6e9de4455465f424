"""JSON paths that say where in a record a column's value is: `$.a.b[0]['c d']`."""

import re

_PART = re.compile(
    r"""\.([^.\[\]'"\s]+) | \[\s*(-?\d+)\s*\] | \[\s*'([^']*)'\s*\] | \[\s*"([^"]*)"\s*\]""",
    re.VERBOSE,
)


def path_of(text: str) -> tuple[str | int, ...]:
    """The parts of a path; of a text that does not begin with `$`, itself as a name.

    Raises:
        ValueError: it is no path that names one value.
    """
    text = text.strip()
    if not text.startswith("$"):
        return (text,)
    parts: list[str | int] = []
    at = 1
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise ValueError(f"'{text[:200]}' is not a JSON path that names one value")
        name, number, *quoted = found.groups()
        parts.append(int(number) if number else next(n for n in (name, *quoted) if n is not None))
        at = found.end()
    return tuple(parts)
