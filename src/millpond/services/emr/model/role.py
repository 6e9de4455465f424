"""What the programs of a cluster may call: the managed policy of EMR's default instance role.

Source: IAM, managed policy AmazonElasticMapReduceforEC2Role.
"""

ACTIONS: tuple[str, ...] = (
    "cloudwatch:*",
    "dynamodb:*",
    "ec2:Describe*",
    "elasticmapreduce:Describe*",
    "elasticmapreduce:ListBootstrapActions",
    "elasticmapreduce:ListClusters",
    "elasticmapreduce:ListInstanceGroups",
    "elasticmapreduce:ListInstances",
    "elasticmapreduce:ListSteps",
    "kinesis:CreateStream",
    "kinesis:DeleteStream",
    "kinesis:DescribeStream",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:MergeShards",
    "kinesis:PutRecord",
    "kinesis:SplitShard",
    "rds:Describe*",
    "s3:*",
    "sdb:*",
    "sns:*",
    "sqs:*",
    "glue:CreateDatabase",
    "glue:UpdateDatabase",
    "glue:DeleteDatabase",
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:CreateTable",
    "glue:UpdateTable",
    "glue:DeleteTable",
    "glue:GetTable",
    "glue:GetTables",
    "glue:GetTableVersions",
    "glue:CreatePartition",
    "glue:BatchCreatePartition",
    "glue:UpdatePartition",
    "glue:DeletePartition",
    "glue:BatchDeletePartition",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
    "glue:CreateUserDefinedFunction",
    "glue:UpdateUserDefinedFunction",
    "glue:DeleteUserDefinedFunction",
    "glue:GetUserDefinedFunction",
    "glue:GetUserDefinedFunctions",
)

LOG_ACTIONS: tuple[str, ...] = (*ACTIONS, "logs:CreateLog*", "logs:PutLogEvents")
"""What the platform calls in the role's name: AWS's agent needs the actions on logs as well."""


def role_name(instance_profile: str) -> str:
    """The role of an instance profile given by name or ARN."""
    return instance_profile.rpartition("/")[2]
