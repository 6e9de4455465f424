"""How a run is asked to stop."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.glue.jobs import store
from millpond.services.glue.jobs.ending import Outcome, end_run
from millpond.services.glue.jobs.model import Run
from millpond.services.glue.needs import Needs


async def stop_run(transaction: Transaction, needs: Needs, scope: Scope, run: Run) -> None:
    """Write that a run is to stop, and have whoever does it know; one that waits has ended."""
    if run.state == "WAITING":
        await end_run(transaction, needs, scope, run, Outcome("STOPPED"))
    elif run.state in ("STARTING", "RUNNING"):
        stopping = msgspec.structs.replace(run, state="STOPPING", modified_ms=needs.clock.now_ms())
        store.save_run(transaction, scope, stopping)
        store.wake_run(transaction, scope, run.id)
