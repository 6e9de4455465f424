"""What is taken for a resource policy."""

import json
from typing import Any

import pytest

from millpond.services.kinesis.model.policy import POLICY_SIZE_BYTES_MAX, BadPolicy, check

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/s"


def document(**statement: Any) -> str:
    complete = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": ["kinesis:GetRecords", "kinesis:GetShardIterator"],
        "Resource": ARN,
    }
    complete |= statement
    kept = {name: value for name, value in complete.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"Principal": "*"},
        {"Principal": {"Service": ["firehose.amazonaws.com"]}},
        {"Effect": "Deny", "Sid": "no"},
        {"Action": "kinesis:*"},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_a_policy_for_the_resource_is_taken(statement: dict[str, Any]) -> None:
    check(document(**statement), ARN)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ({"Effect": "Maybe"}, "Effect"),
        ({"Principal": None}, "Principal"),
        ({"Principal": {"Nobody": "x"}}, "Nobody"),
        ({"Action": None}, "Action"),
        ({"Action": "s3:GetObject"}, "s3:GetObject"),
        ({"Action": [1]}, "Action"),
        ({"Resource": None}, "Resource"),
        ({"Resource": ARN + "x"}, "not the one"),
        ({"NotAction": "kinesis:*"}, "NotAction"),
        ({"Condition": []}, "Condition"),
    ],
)
def test_what_is_no_statement_is_refused_with_its_reason(
    statement: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadPolicy, match=why):
        check(document(**statement), ARN)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[" * POLICY_SIZE_BYTES_MAX, "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no Statement"),
        ('{"Statement": []}', "no Statement"),
        ('{"Statement": ["x"]}', "not a JSON object"),
        ('{"Version": "2020-01-01", "Statement": {}}', "Version"),
        ('{"Rules": 1}', "Rules"),
        (" " * POLICY_SIZE_BYTES_MAX + "{}", "longer"),
    ],
)
def test_what_is_no_document_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(BadPolicy, match=why):
        check(text, ARN)
