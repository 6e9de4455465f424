"""Which files become which: one for one, or concatenated by a pattern.

Source: EMR release guide, "S3DistCp options" (`--groupBy`, `--targetSize`).
"""

import re
from collections.abc import Iterator, Sequence

from millpond.engines.spark.apache.programs.dist_cp.places import Found


def gather(
    found: Sequence[Found], source: str, pattern: str | None, target_bytes: int | None
) -> Iterator[tuple[str, list[Found]]]:
    """Names below the destination, and the files that make each.

    Without a pattern a file keeps its path below `source`. With one, files that do not match it
    are left out, and those whose groups are the same become one file in their folder, named by the
    groups; a new one begins, with a number, when it has come to `target_bytes`.
    """
    if pattern is None:
        for one in found:
            yield below(one.path, source), [one]
        return
    groups: dict[str, list[Found]] = {}
    for one in found:
        match = re.fullmatch(pattern, one.path)
        if match:
            folder, _, name = below(one.path, source).rpartition("/")
            texts = "".join(text for text in match.groups() if text is not None) or name
            groups.setdefault(f"{folder}/{texts}" if folder else texts, []).append(one)
    for name, some in groups.items():
        for number, part in enumerate(_parts(some, target_bytes)):
            yield (f"{name}{number}" if target_bytes else name), part


def below(path: str, source: str) -> str:
    """A path below a source; of a source that is the file itself, its name."""
    base = source.rstrip("/")
    return path.removeprefix(f"{base}/") if path != base else path.rpartition("/")[2]


def _parts(found: Sequence[Found], target_bytes: int | None) -> Iterator[list[Found]]:
    part: list[Found] = []
    size = 0
    for one in found:
        part.append(one)
        size += one.size
        if target_bytes and size >= target_bytes:
            yield part
            part, size = [], 0
    if part:
        yield part
