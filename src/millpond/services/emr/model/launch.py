"""RunJobFlow: what may be asked for, and the cluster that it makes.

What is not implemented and would change what a cluster does is refused by its name. What only
machines apart could show (placement, disks, network) is recorded.

Source: EMR API reference, RunJobFlow, JobFlowInstancesConfig.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from millpond.engines.spark.interface import Sparks
from millpond.services.emr import shapes
from millpond.services.emr.errors import Validation
from millpond.services.emr.model.configurations import read_configurations
from millpond.services.emr.model.machines import plan_machines
from millpond.services.emr.model.managed_scaling import check_managed_policy
from millpond.services.emr.model.places import read_log_uri, read_streams
from millpond.services.emr.model.records import Cluster
from millpond.services.emr.model.releases import choose_applications, require_release
from millpond.services.emr.model.steps import STEPS_ACTIVE_MAX, check_steps

BOOTSTRAP_ACTIONS_MAX = 16
IDLE_SECONDS_MIN, IDLE_SECONDS_MAX, IDLE_SECONDS_DEFAULT = 60, 604_800, 3600
STEP_CONCURRENCY_MAX = 256
TAGS_MAX = 10
_NAME_REFUSED = frozenset("<>$|`")


def plan_cluster(
    request: shapes.RunJobFlowInput,
    sparks: Sparks,
    *,
    arn: Callable[[str], str],
    fresh: Callable[[str], str],
    creator_arn: str,
    now_ms: int,
) -> Cluster:
    """The cluster that a request asks for, without its steps.

    Raises:
        Validation: AWS would refuse it, or it asks for what is not implemented.
    """
    label = _check_release(request)
    release = require_release(label, sparks)
    _check_roles(request)
    _refuse_missing(request)
    if _NAME_REFUSED & set(request.name):
        raise Validation("The cluster name cannot contain the characters <, >, $, |, or `.")
    read_log_uri(request.log_uri)
    read_streams(request, "")
    if len(request.bootstrap_actions or ()) > BOOTSTRAP_ACTIONS_MAX:
        raise Validation(f"There can be at most {BOOTSTRAP_ACTIONS_MAX} bootstrap actions.")
    concurrency = check_concurrency(request.step_concurrency_level)
    if len(request.steps or ()) > STEPS_ACTIVE_MAX:
        raise Validation(f"There can be at most {STEPS_ACTIVE_MAX} steps.")
    check_steps(request.steps or (), concurrency=concurrency)
    groups, fleets = plan_machines(request.instances, fresh, now_ms)
    by_group = (group.config.configurations for group in groups)
    read_configurations(label, request.configurations, *by_group)
    tags = merge_tags({}, request.tags or ())
    policy = request.auto_termination_policy
    asked = msgspec.structs.replace(
        request,
        applications=choose_applications(request.applications, label, release),
        steps=None,
        tags=None,
    )
    cluster_id = fresh("j-")
    cluster = Cluster(
        id=cluster_id,
        arn=arn(f"cluster/{cluster_id}"),
        request=asked,
        creator_arn=creator_arn,
        created_ms=now_ms,
        reason_message="Provisioning Amazon EC2 capacity",
        groups=groups,
        fleets=fleets,
        keep_alive=bool(request.instances.keep_job_flow_alive_when_no_steps),
        termination_protected=bool(request.instances.termination_protected),
        unhealthy_node_replacement=request.instances.unhealthy_node_replacement,
        visible_to_all_users=request.visible_to_all_users is not False,
        step_concurrency=concurrency,
        idle_timeout_seconds=None if policy is None else check_idle_timeout(policy),
        tags=tags,
    )
    if request.managed_scaling_policy is None:
        return cluster
    check_managed_policy(request.managed_scaling_policy, cluster)
    return msgspec.structs.replace(cluster, managed_scaling=request.managed_scaling_policy)


def check_concurrency(level: int | None) -> int:
    """How many steps run at once.

    Raises:
        Validation: outside of 1 to 256.
    """
    if level is not None and not 1 <= level <= STEP_CONCURRENCY_MAX:
        raise Validation(
            f"The step concurrency level {level} is not valid; it must be between 1 and "
            f"{STEP_CONCURRENCY_MAX}."
        )
    return level or 1


def check_idle_timeout(policy: shapes.AutoTerminationPolicy) -> int:
    """A policy's idle timeout in seconds.

    Raises:
        Validation: outside of a minute to a week.
    """
    seconds = policy.idle_timeout
    if seconds is None:
        return IDLE_SECONDS_DEFAULT
    if not IDLE_SECONDS_MIN <= seconds <= IDLE_SECONDS_MAX:
        raise Validation(
            f"The IdleTimeout value {seconds} is not valid; it must be between "
            f"{IDLE_SECONDS_MIN} and {IDLE_SECONDS_MAX} seconds."
        )
    return seconds


def merge_tags(tags: Mapping[str, str], more: Sequence[shapes.Tag]) -> dict[str, str]:
    """Tags with others over them.

    Raises:
        Validation: a tag is malformed, or there are too many.
    """
    merged = dict(tags)
    for tag in more:
        key, value = tag.key or "", tag.value or ""
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise Validation("A tag key has 1 to 128 characters, a tag value at most 256.")
        if key.lower().startswith("aws:"):
            raise Validation(f"The tag key {key} is reserved: it begins with aws:.")
        merged[key] = value
    if len(merged) > TAGS_MAX:
        raise Validation(f"A cluster can have at most {TAGS_MAX} tags.")
    return merged


def _check_release(request: shapes.RunJobFlowInput) -> str:
    if request.ami_version and request.release_label:
        raise Validation(
            "Only one AMI version and release label may be specified. "
            f"Provided AMI: {request.ami_version}, release label: {request.release_label}."
        )
    if request.ami_version:
        raise Validation(f"AmiVersion {request.ami_version} is not supported; give a ReleaseLabel.")
    return request.release_label or ""


def _check_roles(request: shapes.RunJobFlowInput) -> None:
    if not request.job_flow_role:
        raise Validation("InstanceProfile is required for creating cluster.")
    if not request.service_role:
        raise Validation("ServiceRole is required for creating cluster.")


def _refuse_missing(request: shapes.RunJobFlowInput) -> None:
    monitoring = request.monitoring_configuration
    asked = {
        "SupportedProducts": request.supported_products or request.new_supported_products,
        "KerberosAttributes": request.kerberos_attributes,
        "CustomAmiId": request.custom_ami_id,
        "OSReleaseLabel": request.os_release_label,
        "LogEncryptionKmsKeyId": request.log_encryption_kms_key_id,
        "S3LoggingConfiguration": monitoring and monitoring.s3_logging_configuration,
        "SessionEnabled": request.session_enabled,
    }
    for name, value in asked.items():
        if value:
            raise Validation(f"{name} is not supported by Millpond yet.")
    if request.step_execution_role_arn:
        raise Validation(
            "Runtime roles are not supported on this cluster. Please remove the "
            "StepExecutionRoleArn parameter."
        )
