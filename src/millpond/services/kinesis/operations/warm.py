"""Warm throughput: capacity that an on-demand stream has before there is any load."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesis import store
from millpond.services.kinesis.errors import InvalidArgument, Validation
from millpond.services.kinesis.model.scaling import WARM_THROUGHPUT_MIBPS_MAX
from millpond.services.kinesis.model.stream import Mode
from millpond.services.kinesis.needs import Needs


async def check_warm_throughput(
    needs: Needs, transaction: Transaction, call: Call, mode: Mode, mibps: int | None
) -> None:
    """A stream of that mode may have this warm throughput; None asks for none.

    Raises:
        Validation: the stream is provisioned, or the account has no minimum throughput billing
            commitment.
        InvalidArgument: it is more than 10 GiB a second.

    Source: Kinesis API reference, UpdateStreamWarmThroughput.
    """
    if mibps is None:
        return
    if mode != "ON_DEMAND":
        raise Validation(
            "WarmThroughputMiBps is only supported for data streams with the on-demand capacity "
            "mode."
        )
    settings = await store.load_settings(transaction, call)
    if not settings.has_commitment(needs.clock.now_ms()):
        raise Validation(
            "WarmThroughputMiBps is only supported for accounts that have "
            "MinimumThroughputBillingCommitment enabled."
        )
    if mibps > WARM_THROUGHPUT_MIBPS_MAX:
        raise InvalidArgument(
            f"WarmThroughputMiBps {mibps} is more than {WARM_THROUGHPUT_MIBPS_MAX}."
        )
