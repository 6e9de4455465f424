"""Clusters and steps in AWS's shapes. Pure."""

from millpond.services.emr import shapes
from millpond.services.emr.model import crew
from millpond.services.emr.model.places import shown_log_uri
from millpond.services.emr.model.records import CLUSTER_ENDED, Cluster, Step

MASTER_HOST = "localhost"
"""The one machine that there is."""


def seconds(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / 1000


def show_status(cluster: Cluster) -> shapes.ClusterStatus:
    reason = shapes.ClusterStateChangeReason(
        code=cluster.reason_code or None, message=cluster.reason_message or None
    )
    return shapes.ClusterStatus(
        state=cluster.state,
        state_change_reason=reason,
        timeline=shapes.ClusterTimeline(
            creation_date_time=seconds(cluster.created_ms),
            ready_date_time=seconds(cluster.ready_ms),
            end_date_time=seconds(cluster.end_ms),
        ),
    )


def show_hours(cluster: Cluster, now_ms: int) -> int:
    """NormalizedInstanceHours of all its instances, from when each was ready to its end or now."""
    return cluster.spent_hours + sum(crew.hours(one, now_ms) for one in cluster.instances)


def show_summary(cluster: Cluster, now_ms: int) -> shapes.ClusterSummary:
    return shapes.ClusterSummary(
        id=cluster.id,
        name=cluster.request.name,
        status=show_status(cluster),
        normalized_instance_hours=show_hours(cluster, now_ms),
        cluster_arn=cluster.arn,
    )


def show_cluster(cluster: Cluster, region: str, now_ms: int) -> shapes.Cluster:
    request, instances = cluster.request, cluster.request.instances
    zone = (instances.placement.availability_zone if instances.placement else None) or f"{region}a"
    return shapes.Cluster(
        id=cluster.id,
        name=request.name,
        status=show_status(cluster),
        ec2_instance_attributes=shapes.Ec2InstanceAttributes(
            ec2_key_name=instances.ec2_key_name,
            ec2_subnet_id=instances.ec2_subnet_id,
            requested_ec2_subnet_ids=instances.ec2_subnet_ids or [],
            ec2_availability_zone=zone,
            requested_ec2_availability_zones=[],
            iam_instance_profile=request.job_flow_role,
            emr_managed_master_security_group=instances.emr_managed_master_security_group,
            emr_managed_slave_security_group=instances.emr_managed_slave_security_group,
            service_access_security_group=instances.service_access_security_group,
            additional_master_security_groups=instances.additional_master_security_groups,
            additional_slave_security_groups=instances.additional_slave_security_groups,
        ),
        instance_collection_type="INSTANCE_FLEET" if cluster.fleets else "INSTANCE_GROUP",
        log_uri=shown_log_uri(request.log_uri),
        release_label=request.release_label,
        auto_terminate=not cluster.keep_alive,
        termination_protected=cluster.termination_protected,
        unhealthy_node_replacement=cluster.unhealthy_node_replacement,
        visible_to_all_users=cluster.visible_to_all_users,
        applications=request.applications or [],
        security_configuration=request.security_configuration,
        tags=[shapes.Tag(key=key, value=value) for key, value in cluster.tags.items()],
        service_role=request.service_role,
        normalized_instance_hours=show_hours(cluster, now_ms),
        master_public_dns_name=None if cluster.state == "STARTING" else MASTER_HOST,
        configurations=request.configurations or [],
        auto_scaling_role=request.auto_scaling_role,
        scale_down_behavior=request.scale_down_behavior or "TERMINATE_AT_TASK_COMPLETION",
        ebs_root_volume_size=request.ebs_root_volume_size,
        ebs_root_volume_iops=request.ebs_root_volume_iops,
        ebs_root_volume_throughput=request.ebs_root_volume_throughput,
        repo_upgrade_on_boot=request.repo_upgrade_on_boot,
        cluster_arn=cluster.arn,
        step_concurrency_level=cluster.step_concurrency,
        placement_groups=request.placement_group_configs or [],
    )


def has_ended(cluster: Cluster) -> bool:
    return cluster.state in CLUSTER_ENDED


def _show_step_status(step: Step) -> shapes.StepStatus:
    failure = step.failure
    return shapes.StepStatus(
        state=step.state,
        state_change_reason=shapes.StepStateChangeReason(message=step.message or None),
        failure_details=None
        if failure is None
        else shapes.FailureDetails(
            reason=failure.reason,
            message=failure.message or None,
            log_file=failure.log_file or None,
        ),
        timeline=shapes.StepTimeline(
            creation_date_time=seconds(step.created_ms),
            start_date_time=seconds(step.start_ms),
            end_date_time=seconds(step.end_ms),
        ),
    )


def _show_step_config(step: Step) -> shapes.HadoopStepConfig:
    asked = step.config.hadoop_jar_step
    return shapes.HadoopStepConfig(
        jar=asked.jar,
        properties={pair.key or "": pair.value or "" for pair in asked.properties or ()},
        main_class=asked.main_class,
        args=asked.args or [],
    )


def _step_log_uri(step: Step) -> str | None:
    monitoring = step.config.step_monitoring_configuration
    logging = monitoring.s3_monitoring_configuration if monitoring else None
    return logging.log_uri if logging else None


def show_step(step: Step) -> shapes.Step:
    return shapes.Step(
        id=step.id,
        name=step.config.name,
        config=_show_step_config(step),
        action_on_failure=step.action_on_failure,
        status=_show_step_status(step),
        log_uri=_step_log_uri(step),
    )


def show_step_summary(step: Step) -> shapes.StepSummary:
    return shapes.StepSummary(
        id=step.id,
        name=step.config.name,
        config=_show_step_config(step),
        action_on_failure=step.action_on_failure,
        status=_show_step_status(step),
        log_uri=_step_log_uri(step),
    )
