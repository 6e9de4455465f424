"""Instance groups, fleets and instances in AWS's shapes. Pure.

Each group or fleet has one instance, whose address is this machine's: there is one machine, and
the counts that were asked for are told as asked for.
"""

from typing import Any

from millpond.services.emr import shapes
from millpond.services.emr.answers import MASTER_HOST, has_ended, seconds
from millpond.services.emr.model.records import Cluster, Fleet, Group

_STATES = {
    "STARTING": "PROVISIONING",
    "BOOTSTRAPPING": "BOOTSTRAPPING",
    "RUNNING": "RUNNING",
    "WAITING": "RUNNING",
    "TERMINATING": "RUNNING",
    "TERMINATED": "TERMINATED",
    "TERMINATED_WITH_ERRORS": "TERMINATED",
}
_ADDRESS = "127.0.0.1"


def _status(cluster: Cluster) -> dict[str, Any]:
    """State and reason, in the names that three shapes share."""
    state = _STATES[cluster.state]
    code = "CLUSTER_TERMINATED" if has_ended(cluster) else None
    message = "Job flow terminated" if has_ended(cluster) else None
    if cluster.reason_code == "BOOTSTRAP_FAILURE" and has_ended(cluster):
        message = cluster.reason_message
    return {"state": state, "code": code, "message": message}


def _times(cluster: Cluster) -> dict[str, float | None]:
    return {
        "creation_date_time": seconds(cluster.created_ms),
        "ready_date_time": seconds(cluster.ready_ms),
        "end_date_time": seconds(cluster.end_ms),
    }


def _volumes(ebs: shapes.EbsConfiguration | None) -> list[shapes.EbsBlockDevice]:
    devices: list[shapes.EbsBlockDevice] = []
    for config in (ebs.ebs_block_device_configs if ebs else None) or ():
        for _ in range(config.volumes_per_instance or 1):
            device = f"/dev/sd{chr(ord('b') + len(devices))}"
            devices.append(
                shapes.EbsBlockDevice(
                    volume_specification=config.volume_specification, device=device
                )
            )
    return devices


def show_group(cluster: Cluster, group: Group) -> shapes.InstanceGroup:
    status, config = _status(cluster), group.config
    return shapes.InstanceGroup(
        id=group.id,
        name=config.name or f"{config.instance_role.title()} Instance Group",
        market=config.market or "ON_DEMAND",
        instance_group_type=config.instance_role,
        bid_price=config.bid_price,
        instance_type=config.instance_type,
        requested_instance_count=0 if has_ended(cluster) else config.instance_count,
        running_instance_count=1 if status["state"] == "RUNNING" else 0,
        status=shapes.InstanceGroupStatus(
            state=status["state"],
            state_change_reason=shapes.InstanceGroupStateChangeReason(
                code=status["code"], message=status["message"]
            ),
            timeline=shapes.InstanceGroupTimeline(**_times(cluster)),
        ),
        configurations=config.configurations or [],
        ebs_block_devices=_volumes(config.ebs_configuration),
        ebs_optimized=config.ebs_configuration.ebs_optimized if config.ebs_configuration else None,
        shrink_policy=shapes.ShrinkPolicy(),
    )


def show_fleet(cluster: Cluster, fleet: Fleet) -> shapes.InstanceFleet:
    status, config = _status(cluster), fleet.config
    runs = status["state"] == "RUNNING"
    on_demand = fleet.machine.market == "ON_DEMAND"
    return shapes.InstanceFleet(
        id=fleet.id,
        name=config.name or config.instance_fleet_type.title(),
        status=shapes.InstanceFleetStatus(
            state=status["state"],
            state_change_reason=shapes.InstanceFleetStateChangeReason(
                code=status["code"], message=status["message"]
            ),
            timeline=shapes.InstanceFleetTimeline(**_times(cluster)),
        ),
        instance_fleet_type=config.instance_fleet_type,
        target_on_demand_capacity=config.target_on_demand_capacity or 0,
        target_spot_capacity=config.target_spot_capacity or 0,
        provisioned_on_demand_capacity=int(runs and on_demand),
        provisioned_spot_capacity=int(runs and not on_demand),
        instance_type_specifications=[
            shapes.InstanceTypeSpecification(
                instance_type=one.instance_type,
                weighted_capacity=one.weighted_capacity or 1,
                bid_price=one.bid_price,
                bid_price_as_percentage_of_on_demand_price=one.bid_price_as_percentage_of_on_demand_price,
                configurations=one.configurations or [],
                ebs_block_devices=_volumes(one.ebs_configuration),
                priority=one.priority,
            )
            for one in config.instance_type_configs or ()
        ],
        launch_specifications=config.launch_specifications,
        resize_specifications=config.resize_specifications,
        context=config.context,
    )


def show_instance(cluster: Cluster, part: Group | Fleet) -> shapes.Instance:
    status, machine = _status(cluster), part.machine
    return shapes.Instance(
        id=machine.id,
        ec2_instance_id=machine.ec2_id,
        public_dns_name=MASTER_HOST,
        public_ip_address=_ADDRESS,
        private_dns_name=MASTER_HOST,
        private_ip_address=_ADDRESS,
        status=shapes.InstanceStatus(
            state=status["state"],
            state_change_reason=shapes.InstanceStateChangeReason(
                code=status["code"], message=status["message"]
            ),
            timeline=shapes.InstanceTimeline(**_times(cluster)),
        ),
        instance_group_id=part.id if isinstance(part, Group) else None,
        instance_fleet_id=part.id if isinstance(part, Fleet) else None,
        market=machine.market,
        instance_type=machine.instance_type,
        ebs_volumes=[],
    )
