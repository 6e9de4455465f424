"""An application's process: `python -I -m millpond.engines.streams.runtime.main run|check`.

It gets its order on standard input (see `protocol`), with the credentials: neither its arguments
nor its environment have secrets. `run` plans the program, opens its functions and connectors, and
runs the loop to its end. `check` plans programs, one after another, as they come.
"""

import faulthandler
import signal
import sys
from pathlib import Path

from millpond.engines.streams.runtime.channel import Channel
from millpond.engines.streams.runtime.protocol import Order

STACKS_FILE = "stacks"
"""In the temporary folder: where each thread stands, written on SIGUSR1 and on a crash, also while
a function holds the interpreter."""


def main() -> None:
    channel = Channel()
    stacks = (Path.cwd() / STACKS_FILE).open("wb", buffering=0)
    faulthandler.enable(stacks)
    faulthandler.register(signal.SIGUSR1, stacks, all_threads=True)
    if sys.argv[1] == "check":
        from millpond.engines.streams.runtime.checking import check_programs  # noqa: PLC0415

        check_programs(channel)
        return
    # The libraries load while the server still writes the order.
    from millpond.engines.streams.runtime.running import run_application  # noqa: PLC0415

    order = channel.hear()
    if isinstance(order, Order):
        run_application(channel, order)


if __name__ == "__main__":
    main()
