"""Spot interruptions on purpose: a tag that is an order. Pure.

    millpond:spot-interruption = i-0abc…              one instance
    millpond:spot-interruption = ig-… notice=0        an instance of a group or fleet, at once
    millpond:spot-interruption = j-… notice=10        an instance of the cluster, in ten seconds

The order is carried out, not kept: it does not stay among the cluster's tags. Without `notice` the
instance has the two minutes that EC2 gives.

Source: EC2 User Guide, "Spot Instance interruptions"; the choice: docs/decisions.
"""

import re
from collections.abc import Sequence

from millpond.services.emr.errors import InvalidRequest
from millpond.services.emr.model import crew
from millpond.services.emr.model.records import Cluster, Instance
from millpond.services.emr.shapes import Tag

TAG = "millpond:spot-interruption"
NOTICE_SECONDS_DEFAULT, NOTICE_SECONDS_MAX = 120, 120
CODE = "INSTANCE_FAILURE"
_ORDER = re.compile(r"(\S+)(?: notice=(\d{1,3}))?")


def split_orders(tags: Sequence[Tag]) -> tuple[list[Tag], list[str]]:
    """Tags to keep, and orders to interrupt."""
    kept = [tag for tag in tags if tag.key != TAG]
    return kept, [tag.value or "" for tag in tags if tag.key == TAG]


def interrupt(cluster: Cluster, order: str, now_ms: int) -> Cluster:
    """The cluster with one of its Spot instances about to be taken back: of several, the newest.

    Raises:
        InvalidRequest: the order names no running Spot instance.
    """
    match = _ORDER.fullmatch(order.strip())
    notice = NOTICE_SECONDS_DEFAULT if not match or match[2] is None else int(match[2])
    if match is None or notice > NOTICE_SECONDS_MAX:
        raise InvalidRequest(
            f"The tag {TAG} must name an instance, a group, a fleet or the cluster, and may end "
            f"with notice=<seconds>, at most {NOTICE_SECONDS_MAX}."
        )
    instance = _find(cluster, match[1])
    message = (
        f"The Spot instance was interrupted: EC2 took it back after a notice of {notice} seconds."
    )
    return crew.leave(cluster, instance, message, now_ms, grace_seconds=notice, code=CODE)


def _find(cluster: Cluster, name: str) -> Instance:
    found = [
        one
        for one in cluster.instances
        if one.stays
        and one.state == "RUNNING"
        and one.market == "SPOT"
        and name in (one.ec2_id, one.id, one.part, cluster.id)
    ]
    if not found:
        raise InvalidRequest(f"{name} is no running Spot instance of {cluster.id}, and has none.")
    return found[-1]
