"""Says on the terminal what a demo is at."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stages:
    """Says on the terminal what is going on, and how long each stage took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._is_terminal = sys.stdout.isatty()
        self._shown = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[Any]:
        """A stage; call what it gives with what is happening, as often as you like."""
        started = time.perf_counter()
        outcome = ""

        def tell(text: str) -> None:
            nonlocal outcome
            outcome = text
            self._show(f"{name:<28} {time.perf_counter() - started:6.1f} s  {text}")

        tell("…")
        yield tell
        self.seconds[name] = time.perf_counter() - started
        line = f"{name:<28} {self.seconds[name]:6.1f} s  {outcome}"
        print(f"\r\033[K{line}" if self._is_terminal else line, flush=True)

    def _show(self, line: str) -> None:
        if self._is_terminal:
            width = shutil.get_terminal_size().columns
            print(f"\r\033[K{line[: width - 1]}", end="", flush=True)
