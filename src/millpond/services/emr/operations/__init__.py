"""EMR's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.emr.operations import clusters, machines, releases, settings, steps, tags

OPERATIONS: Mapping[str, Any] = {
    "AddJobFlowSteps": steps.add_job_flow_steps,
    "AddTags": tags.add_tags,
    "CancelSteps": steps.cancel_steps,
    "DescribeCluster": clusters.describe_cluster,
    "DescribeReleaseLabel": releases.describe_release_label,
    "DescribeStep": steps.describe_step,
    "GetAutoTerminationPolicy": settings.get_auto_termination_policy,
    "ListBootstrapActions": machines.list_bootstrap_actions,
    "ListClusters": clusters.list_clusters,
    "ListInstanceFleets": machines.list_instance_fleets,
    "ListInstanceGroups": machines.list_instance_groups,
    "ListInstances": machines.list_instances,
    "ListReleaseLabels": releases.list_release_labels,
    "ListSteps": steps.list_steps,
    "ModifyCluster": settings.modify_cluster,
    "PutAutoTerminationPolicy": settings.put_auto_termination_policy,
    "RemoveAutoTerminationPolicy": settings.remove_auto_termination_policy,
    "RemoveTags": tags.remove_tags,
    "RunJobFlow": clusters.run_job_flow,
    "SetKeepJobFlowAliveWhenNoSteps": settings.set_keep_job_flow_alive_when_no_steps,
    "SetTerminationProtection": settings.set_termination_protection,
    "SetVisibleToAllUsers": settings.set_visible_to_all_users,
    "TerminateJobFlows": clusters.terminate_job_flows,
}
