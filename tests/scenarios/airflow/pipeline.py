"""A DAG of Airflow's Amazon provider, as its documentation has them, against whatever endpoint the
connection `aws_default` names. Run as a program, it runs once and prints how each task ended.

Orders lie in S3; a crawler finds their table, a Glue job cleans them, an EMR step and an EMR
Serverless job each sum them up, and Athena counts what they wrote.
"""

import json
import os
from datetime import datetime

from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.providers.amazon.aws.operators.emr import (
    EmrAddStepsOperator,
    EmrCreateJobFlowOperator,
    EmrServerlessCreateApplicationOperator,
    EmrServerlessDeleteApplicationOperator,
    EmrServerlessStartJobOperator,
    EmrServerlessStopApplicationOperator,
    EmrTerminateJobFlowOperator,
)
from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
from airflow.providers.amazon.aws.operators.glue_crawler import GlueCrawlerOperator
from airflow.providers.amazon.aws.sensors.athena import AthenaSensor
from airflow.providers.amazon.aws.sensors.emr import EmrJobFlowSensor, EmrStepSensor
from airflow.sdk import DAG

BUCKET = os.environ["PIPELINE_BUCKET"]
ROLE = "arn:aws:iam::000000000000:role/pipeline"
EVERY_SECONDS = 1


def summing(source: str, target: str) -> list[str]:
    return ["--input", f"s3://{BUCKET}/{source}", "--output", f"s3://{BUCKET}/{target}"]


with DAG("orders", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as dag:
    crawl = GlueCrawlerOperator(
        task_id="crawl",
        config={
            "Name": "pipeline",
            "Role": ROLE,
            "DatabaseName": "pipeline",
            "Targets": {"S3Targets": [{"Path": f"s3://{BUCKET}/orders/"}]},
        },
        poll_interval=EVERY_SECONDS,
    )
    clean = GlueJobOperator(
        task_id="clean",
        job_name="clean-orders",
        script_location=f"s3://{BUCKET}/code/clean.py",
        s3_bucket=BUCKET,
        iam_role_arn=ROLE,
        script_args={"--output": f"s3://{BUCKET}/clean/"},
        create_job_kwargs={
            "GlueVersion": "5.0",
            "WorkerType": "G.1X",
            "NumberOfWorkers": 2,
            "Command": {
                "Name": "glueetl",
                "ScriptLocation": f"s3://{BUCKET}/code/clean.py",
                "PythonVersion": "3",
            },
        },
        verbose=True,
        job_poll_interval=EVERY_SECONDS,
    )
    start_cluster = EmrCreateJobFlowOperator(
        task_id="start_cluster",
        job_flow_overrides={
            "Name": "orders",
            "ReleaseLabel": "emr-spark-8.0.0",
            "Applications": [{"Name": "Spark"}],
            "Instances": {
                "InstanceGroups": [
                    {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
                ],
                "KeepJobFlowAliveWhenNoSteps": True,
            },
            "JobFlowRole": "EMR_EC2_DefaultRole",
            "ServiceRole": "EMR_DefaultRole",
        },
    )
    add_step = EmrAddStepsOperator(
        task_id="add_step",
        job_flow_id=start_cluster.output,
        steps=[
            {
                "Name": "sum",
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args": [
                        *("spark-submit", f"s3://{BUCKET}/code/sum.py"),
                        *summing("clean/", "by-emr/"),
                    ],
                },
            }
        ],
    )
    watch_step = EmrStepSensor(
        task_id="watch_step",
        job_flow_id=start_cluster.output,
        step_id="{{ task_instance.xcom_pull(task_ids='add_step', key='return_value')[0] }}",
        poke_interval=EVERY_SECONDS,
    )
    end_cluster = EmrTerminateJobFlowOperator(
        task_id="end_cluster", job_flow_id=start_cluster.output
    )
    watch_cluster = EmrJobFlowSensor(
        task_id="watch_cluster", job_flow_id=start_cluster.output, poke_interval=EVERY_SECONDS
    )
    make_application = EmrServerlessCreateApplicationOperator(
        task_id="make_application",
        job_type="SPARK",
        release_label="emr-spark-8.0.0",
        config={"name": "orders"},
        waiter_delay=EVERY_SECONDS,
    )
    run_serverless = EmrServerlessStartJobOperator(
        task_id="run_serverless",
        application_id=make_application.output,
        execution_role_arn=ROLE,
        job_driver={
            "sparkSubmit": {
                "entryPoint": f"s3://{BUCKET}/code/sum.py",
                "entryPointArguments": summing("clean/", "by-serverless/"),
            }
        },
        configuration_overrides={
            "monitoringConfiguration": {
                "s3MonitoringConfiguration": {"logUri": f"s3://{BUCKET}/logs/"}
            }
        },
        waiter_delay=EVERY_SECONDS,
    )
    stop_application = EmrServerlessStopApplicationOperator(
        task_id="stop_application",
        application_id=make_application.output,
        force_stop=True,
        waiter_delay=EVERY_SECONDS,
    )
    delete_application = EmrServerlessDeleteApplicationOperator(
        task_id="delete_application",
        application_id=make_application.output,
        waiter_delay=EVERY_SECONDS,
    )
    name_table = AthenaOperator(
        task_id="name_table",
        query=(
            "CREATE EXTERNAL TABLE {{ params.table }} (region string, orders bigint, "
            "revenue double) STORED AS PARQUET LOCATION "
            f"'s3://{BUCKET}/by-emr/'"
        ),
        params={"table": "by_region"},
        database="pipeline",
        output_location=f"s3://{BUCKET}/athena/",
        sleep_time=EVERY_SECONDS,
    )
    ask = AthenaOperator(
        task_id="ask",
        query="SELECT sum(orders) FROM by_region",
        database="pipeline",
        output_location=f"s3://{BUCKET}/athena/",
        sleep_time=EVERY_SECONDS,
    )
    watch_query = AthenaSensor(
        task_id="watch_query", query_execution_id=ask.output, sleep_time=EVERY_SECONDS
    )

    crawl >> clean >> [start_cluster, make_application]
    start_cluster >> add_step >> watch_step >> end_cluster >> watch_cluster
    make_application >> run_serverless >> stop_application >> delete_application
    watch_step >> name_table >> ask >> watch_query

if __name__ == "__main__":
    run = dag.test()
    states = {each.task_id: str(each.state) for each in run.get_task_instances()}
    print(json.dumps({"state": str(run.state), "tasks": states}))
