"""Settings in Flink's words."""

import pytest

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import Source, Table
from millpond.engines.streams.runtime.settings import (
    IDLE_TIMEOUT,
    TABLE_IDLE_TIMEOUT,
    duration_ms,
    idle_timeout_ms,
)
from millpond.engines.streams.types import BIGINT, Column

COLUMNS = (Column("a", BIGINT),)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5 s", 5_000), ("1min", 60_000), ("250", 250), ("'2 h'", 7_200_000), ("999 us", 0)],
)
def test_a_duration_is_read_as_flink_writes_it(text, milliseconds):
    assert duration_ms(text, "x") == milliseconds


@pytest.mark.parametrize("text", ["", "soon", "-1 s", "1.5 s", "3 moons"])
def test_what_is_no_duration_is_refused_with_the_name_of_the_setting(text):
    with pytest.raises(Refused, match="is no duration, as the pause has to be"):
        duration_ms(text, "the pause")


def test_a_table_says_itself_when_its_splits_are_idle():
    own = Source(COLUMNS, Table("t", COLUMNS, options=((TABLE_IDLE_TIMEOUT, "2 s"),)))
    plain = Source(COLUMNS, Table("t", COLUMNS))
    settings = {IDLE_TIMEOUT: "5 s"}
    assert idle_timeout_ms(own, settings) == 2_000
    assert idle_timeout_ms(plain, settings) == 5_000
    assert idle_timeout_ms(plain, {}) == 0
