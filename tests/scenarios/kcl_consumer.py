"""What the Kinesis Client Library hands records to: writes down each one, then its checkpoint.

The library's daemon starts one of these for each shard and speaks with it over its pipes. The
environment's READ names the folder for what was read, WORKER the worker.
"""

import os
from pathlib import Path
from typing import Any

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Writer(processor.RecordProcessorBase):
    """One shard's records go to one file: sequence number and text, a line each."""

    def initialize(self, initialize_input: Any) -> None:
        name = f"{initialize_input.shard_id}-{os.environ['WORKER']}-{os.getpid()}"
        self._file = (Path(os.environ["READ"]) / name).open("a", encoding="utf-8")

    def process_records(self, process_records_input: Any) -> None:
        for record in process_records_input.records:
            text = record.binary_data.decode()
            self._file.write(f"{record.sequence_number} {text}\n")
        self._file.flush()
        process_records_input.checkpointer.checkpoint()

    def lease_lost(self, lease_lost_input: Any) -> None:
        self._file.close()

    def shard_ended(self, shard_ended_input: Any) -> None:
        shard_ended_input.checkpointer.checkpoint()
        self._file.close()

    def shutdown_requested(self, shutdown_requested_input: Any) -> None:
        shutdown_requested_input.checkpointer.checkpoint()


if __name__ == "__main__":
    kcl.KCLProcess(Writer()).run()
