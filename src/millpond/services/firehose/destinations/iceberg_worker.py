"""The process that writes to Iceberg tables: `python -m …iceberg_worker`.

It answers each `Deliver` with the rows that are not in their tables. It runs nothing that users
wrote; being a process of its own keeps pyiceberg's memory and its blocking calls away from the
platform's.
"""

import warnings

from millpond.services.firehose.destinations import iceberg_messages as messages
from millpond.services.firehose.destinations.iceberg_tables import deliver, open_catalog
from millpond.services.firehose.transform.frames import ANSWER, FAULT, READY, FarEnd


def main() -> None:
    warnings.simplefilter("ignore")
    far = FarEnd()
    far.say(READY)
    for question in far.questions():
        try:
            asked = messages.decode_deliver(question)
            catalog = open_catalog(asked.catalog)
            lost = [
                one
                for target in asked.targets
                for one in deliver(catalog, asked.stream, asked.batch, target)
            ]
        except Exception as error:
            far.say(FAULT, f"{type(error).__name__}: {error}"[:2000].encode(errors="replace"))
        else:
            far.say(ANSWER, messages.encode(lost))


if __name__ == "__main__":
    main()
