"""What queries run on: the SQL engine, and a folder for events in columns and for results."""

import asyncio
import importlib.util
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from millpond.engines.sql.interface import Sql


@dataclass(frozen=True, slots=True)
class Insights:
    """`packs` says whether events are packed: a server without what queries run on has no use for
    it. `making` are the files in `folder` that no record names yet; a group's events are packed by
    one at a time, who holds its lock."""

    sql: Sql
    folder: Path
    packs: bool = importlib.util.find_spec("cramjam") is not None
    making: set[str] = field(default_factory=set)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def path(self, name: str) -> Path:
        """The file of that name, in a folder that is there."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder / name
