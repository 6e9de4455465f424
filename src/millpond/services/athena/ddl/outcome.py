"""What a DDL or utility statement answers: lines of text under named columns."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """`columns` are their names; each line holds their values with tabs between."""

    columns: Sequence[str] = ()
    lines: Sequence[str] = ()


NOTHING = Outcome()
