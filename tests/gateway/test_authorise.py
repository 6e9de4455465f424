"""IAM's names for operations, where they are not the operations' own."""

from typing import Any

import pytest

from millpond.gateway.authorise import authorise, authorise_items
from millpond.kernel.call import Principal
from millpond.kernel.errors import ServiceError
from millpond.services.cloudwatch import shapes as cloudwatch
from millpond.services.dynamodb import shapes as dynamodb
from millpond.services.firehose import shapes as firehose
from millpond.services.kinesis import shapes as kinesis
from millpond.services.logs import shapes as logs
from millpond.wire.shape import ServiceModel

KEY = {"id": dynamodb.AttributeValue(s="1")}
PUT = dynamodb.TransactWriteItem(put=dynamodb.Put(item=KEY, table_name="t"))
DELETE = dynamodb.TransactWriteItem(delete=dynamodb.Delete(key=KEY, table_name="t"))
UPDATE = dynamodb.TransactWriteItem(
    update=dynamodb.Update(key=KEY, table_name="t", update_expression="SET a = b")
)
CHECK = dynamodb.TransactWriteItem(
    condition_check=dynamodb.ConditionCheck(key=KEY, table_name="t", condition_expression="a = b")
)


def principal(*actions: str) -> Principal:
    return Principal("arn:aws:iam::123456789012:user/u", "u", "u", actions)


@pytest.mark.parametrize(
    ("model", "operation", "action"),
    [
        (cloudwatch.MODEL, "PutMetricData", "cloudwatch:PutMetricData"),
        (dynamodb.MODEL, "TransactGetItems", "dynamodb:GetItem"),
        (dynamodb.MODEL, "BatchWriteItem", "dynamodb:BatchWriteItem"),
        (kinesis.MODEL, "SubscribeToShard", "kinesis:SubscribeToShard"),
        (firehose.MODEL, "PutRecordBatch", "firehose:PutRecordBatch"),
        (logs.MODEL, "PutLogEvents", "logs:PutLogEvents"),
    ],
)
def test_an_operation_needs_its_action(model: ServiceModel, operation: str, action: str) -> None:
    authorise(principal(action), model, operation)
    with pytest.raises(ServiceError, match=f"not authorized to perform: {action} because"):
        authorise(principal("s3:*"), model, operation)


@pytest.mark.parametrize(
    ("item", "action"),
    [
        (PUT, "dynamodb:PutItem"),
        (DELETE, "dynamodb:DeleteItem"),
        (UPDATE, "dynamodb:UpdateItem"),
        (CHECK, "dynamodb:ConditionCheckItem"),
    ],
)
def test_a_transaction_needs_the_action_of_each_of_its_items(item: Any, action: str) -> None:
    asked = dynamodb.TransactWriteItemsInput(transact_items=[item, item])

    def ask(*actions: str) -> None:
        authorise(principal(*actions), dynamodb.MODEL, "TransactWriteItems")
        authorise_items(principal(*actions), dynamodb.MODEL, "TransactWriteItems", asked)

    ask(action)
    ask("*")
    for others in (["dynamodb:GetItem"], ["dynamodb:TransactWriteItems"], []):
        with pytest.raises(ServiceError, match=f"perform: {action} because") as caught:
            ask(*others)
        assert caught.value.code == "AccessDeniedException"


def test_a_transaction_of_several_kinds_needs_every_one() -> None:
    asked = dynamodb.TransactWriteItemsInput(transact_items=[PUT, CHECK])
    with pytest.raises(ServiceError, match="ConditionCheckItem"):
        authorise_items(principal("dynamodb:PutItem"), dynamodb.MODEL, "TransactWriteItems", asked)
