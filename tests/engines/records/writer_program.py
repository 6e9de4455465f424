"""A process that writes until it is killed, and says what was acknowledged.

`writer_program.py FOLDER FIRST`: each transaction puts three keys of the same number, one of them
long, and deletes a key of an older transaction. A number is printed once its commit returned.
"""

import asyncio
import os
import sys
from pathlib import Path

from millpond.engines.records.embedded import EmbeddedRecords

TASKS = 8


async def write(records: EmbeddedRecords, number: int) -> None:
    value = b"%d" % number * (1 + number % 900)
    async with records.transaction() as transaction:
        await transaction.get(b"a/%d" % number)
        transaction.put(b"a/%d" % number, value)
        transaction.put(b"b/" + b"k" * 1_500 + b"%d" % number, value)
        transaction.put(b"c/%d" % number, value)
        transaction.delete(b"c/%d" % (number - 3 * TASKS))
    os.write(1, b"%d\n" % number)


async def main() -> None:
    records = EmbeddedRecords.open(Path(sys.argv[1]))
    first = int(sys.argv[2])

    async def client(offset: int) -> None:
        number = first + offset
        while True:
            await write(records, number)
            number += TASKS

    await asyncio.gather(*(client(offset) for offset in range(TASKS)))


asyncio.run(main())
