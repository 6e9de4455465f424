"""What a step may be asked to be.

Source: EMR API reference, StepConfig, AddJobFlowSteps.
"""

from collections.abc import Sequence

from millpond.services.emr.errors import Validation
from millpond.services.emr.model.records import Cluster
from millpond.services.emr.shapes import StepConfig

STEPS_ACTIVE_MAX = 256
STEP_TEXT_LENGTH_MAX = 10240


def check_steps(configs: Sequence[StepConfig], *, concurrency: int) -> None:
    """Refuse steps that AWS refuses, or that ask for what is not there.

    Raises:
        Validation: which, and why.
    """
    for config in configs:
        jar = config.hadoop_jar_step
        texts = [jar.jar, jar.main_class or "", *(jar.args or ())]
        texts += [part or "" for pair in jar.properties or () for part in (pair.key, pair.value)]
        if sum(map(len, texts)) > STEP_TEXT_LENGTH_MAX:
            raise Validation(
                f"Step {config.name}: the values of HadoopJarStep are longer than "
                f"{STEP_TEXT_LENGTH_MAX} characters in total."
            )
        if concurrency > 1 and config.action_on_failure != "CONTINUE":
            raise Validation(
                f"Step {config.name}: ActionOnFailure {config.action_on_failure} is not valid; "
                "it must be CONTINUE where StepConcurrencyLevel is greater than 1."
            )
        monitoring = config.step_monitoring_configuration
        logging = monitoring.s3_monitoring_configuration if monitoring else None
        if logging and logging.encryption_key_arn:
            raise Validation(f"Step {config.name}: EncryptionKeyArn is not supported.")


def check_room(cluster: Cluster, count: int) -> None:
    """Refuse more steps than a cluster may have waiting or running.

    Raises:
        Validation: there are too many.
    """
    if len(cluster.active) + count > STEPS_ACTIVE_MAX:
        raise Validation(
            f"Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') "
            f"for cluster exceeded. The limit is {STEPS_ACTIVE_MAX}."
        )
