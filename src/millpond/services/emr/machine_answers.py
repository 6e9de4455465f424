"""Instance groups, fleets and instances in AWS's shapes. Pure."""

from typing import Any

from millpond.services.emr import shapes
from millpond.services.emr.answers import MASTER_HOST, has_ended, seconds
from millpond.services.emr.model.records import Cluster, Fleet, Group, Instance

NO_ROOM = "This machine has room for no more nodes: the resize could not complete."
_STATES = {
    "STARTING": "PROVISIONING",
    "BOOTSTRAPPING": "BOOTSTRAPPING",
    "RUNNING": "RUNNING",
    "WAITING": "RUNNING",
    "TERMINATING": "TERMINATING",
    "TERMINATED": "TERMINATED",
    "TERMINATED_WITH_ERRORS": "TERMINATED",
}
_ADDRESS = "127.0.0.1"


def _status(cluster: Cluster, part: str, target: int) -> dict[str, Any]:
    """State and reason of a group or fleet, in the names that two shapes share."""
    state, code, message = _STATES[cluster.state], None, None
    if has_ended(cluster):
        code, message = "CLUSTER_TERMINATED", "Job flow terminated"
        if cluster.reason_code == "BOOTSTRAP_FAILURE":
            message = cluster.reason_message
    elif state == "RUNNING":
        mine = [one for one in cluster.instances if one.part == part and one.is_alive]
        if any(one.state != "RUNNING" or one.leaving for one in mine):
            state = "RESIZING"
        elif sum(one.weight for one in mine) < target:
            state, message = "SUSPENDED", NO_ROOM
    return {"state": state, "code": code, "message": message}


def _times(cluster: Cluster, part: Group | Fleet) -> dict[str, float | None]:
    ready = cluster.ready_ms
    if ready is not None:
        ready = max(ready, part.created_ms)
    return {
        "creation_date_time": seconds(part.created_ms or cluster.created_ms),
        "ready_date_time": seconds(ready),
        "end_date_time": seconds(cluster.end_ms),
    }


def _running(cluster: Cluster, part: str, market: str | None = None) -> int:
    """Units that run, of one market or of all."""
    return sum(
        one.weight
        for one in cluster.instances
        if one.part == part and one.state == "RUNNING" and market in (None, one.market)
    )


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
    config = group.config
    status = _status(cluster, group.id, config.instance_count)
    if status["state"] == "RUNNING" and group.configurations_version != group.applied_version:
        status["state"] = "RECONFIGURING"
    return shapes.InstanceGroup(
        id=group.id,
        name=config.name or f"{config.instance_role.title()} Instance Group",
        market=config.market or "ON_DEMAND",
        instance_group_type=config.instance_role,
        bid_price=config.bid_price,
        instance_type=config.instance_type,
        requested_instance_count=0 if has_ended(cluster) else config.instance_count,
        running_instance_count=_running(cluster, group.id),
        status=shapes.InstanceGroupStatus(
            state=status["state"],
            state_change_reason=shapes.InstanceGroupStateChangeReason(
                code=status["code"], message=status["message"]
            ),
            timeline=shapes.InstanceGroupTimeline(**_times(cluster, group)),
        ),
        configurations=config.configurations or [],
        configurations_version=group.configurations_version,
        last_successfully_applied_configurations=group.applied_configurations
        if group.applied_version
        else config.configurations or [],
        last_successfully_applied_configurations_version=group.applied_version,
        ebs_block_devices=_volumes(config.ebs_configuration),
        ebs_optimized=config.ebs_configuration.ebs_optimized if config.ebs_configuration else None,
        shrink_policy=group.shrink or shapes.ShrinkPolicy(),
        auto_scaling_policy=show_policy(cluster, group),
    )


def show_policy(cluster: Cluster, group: Group) -> shapes.AutoScalingPolicyDescription | None:
    """A group's automatic scaling policy: it is attached as long as its cluster lives."""
    if group.scaling is None:
        return None
    policy = group.scaling.policy
    return shapes.AutoScalingPolicyDescription(
        status=shapes.AutoScalingPolicyStatus(
            state="DETACHED" if has_ended(cluster) else "ATTACHED",
            state_change_reason=shapes.AutoScalingPolicyStateChangeReason(
                code="USER_REQUEST", message=""
            ),
        ),
        constraints=policy.constraints,
        rules=policy.rules,
    )


def show_fleet(cluster: Cluster, fleet: Fleet) -> shapes.InstanceFleet:
    config = fleet.config
    on_demand, spot = config.target_on_demand_capacity or 0, config.target_spot_capacity or 0
    status = _status(cluster, fleet.id, on_demand + spot)
    return shapes.InstanceFleet(
        id=fleet.id,
        name=config.name or config.instance_fleet_type.title(),
        status=shapes.InstanceFleetStatus(
            state=status["state"],
            state_change_reason=shapes.InstanceFleetStateChangeReason(
                code=status["code"], message=status["message"]
            ),
            timeline=shapes.InstanceFleetTimeline(**_times(cluster, fleet)),
        ),
        instance_fleet_type=config.instance_fleet_type,
        target_on_demand_capacity=on_demand,
        target_spot_capacity=spot,
        provisioned_on_demand_capacity=_running(cluster, fleet.id, "ON_DEMAND"),
        provisioned_spot_capacity=_running(cluster, fleet.id, "SPOT"),
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


def show_instance(cluster: Cluster, instance: Instance) -> shapes.Instance:
    return shapes.Instance(
        id=instance.id,
        ec2_instance_id=instance.ec2_id,
        public_dns_name=MASTER_HOST,
        public_ip_address=_ADDRESS,
        private_dns_name=MASTER_HOST,
        private_ip_address=_ADDRESS,
        status=shapes.InstanceStatus(
            state=instance.state,
            state_change_reason=shapes.InstanceStateChangeReason(
                code=instance.reason_code or None,
                message=instance.reason_message
                or (instance.leaving.message if instance.leaving else None),
            ),
            timeline=shapes.InstanceTimeline(
                creation_date_time=seconds(instance.created_ms),
                ready_date_time=seconds(instance.ready_ms),
                end_date_time=seconds(instance.end_ms),
            ),
        ),
        instance_group_id=instance.part if cluster.groups else None,
        instance_fleet_id=instance.part if cluster.fleets else None,
        market=instance.market,
        instance_type=instance.instance_type,
        ebs_volumes=[],
    )
