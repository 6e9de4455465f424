"""The wrapper fails where it is told to, and nowhere else."""

import pytest

from millpond.engines.spark.faulty import FaultySpark
from millpond.engines.spark.interface import Application, CannotStart, Order


async def test_a_start_and_a_program_fail_as_told(spark, data):
    faulty = FaultySpark(spark, failing_starts={1}, failing_programs={"false"})
    assert faulty.installed() == spark.installed()
    folder = data / "clusters" / "j-1"
    with pytest.raises(CannotStart, match="injected"):
        await faulty.start(Order("j-1", folder))
    cluster = await faulty.start(Order("j-1", folder, with_engine=False))
    try:
        assert not cluster.is_running
        logs = folder / "logs"
        for words, fails in ((("true",), False), (("false",), True)):
            place = folder / "steps" / words[0]
            application = Application(words, place, logs / "out", logs / "err")
            if fails:
                with pytest.raises(CannotStart, match="false could not be started"):
                    await cluster.run(application)
            else:
                assert (await (await cluster.run(application)).wait()).exit_code == 0
    finally:
        await cluster.stop()
