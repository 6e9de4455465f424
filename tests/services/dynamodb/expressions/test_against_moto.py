"""Random expressions on random items: moto's answer and ours, where moto has one.

It breaks down where operands of different types are compared: those rounds do not count. Booleans
are numbers to it, so there are none.
"""

import json
import random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from millpond.kernel.errors import ServiceError
from tests.services.dynamodb.conftest import World, definitions, schema

moto = pytest.importorskip("moto", reason="moto is only the other side of a comparison")

ROUNDS = 250
NAMES = ("aa", "bb", "cc")


class Writer:
    """Writes expressions that are valid, whether or not they fit an item."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.values: dict[str, Any] = {}

    def leaf(self) -> dict[str, Any]:
        return self.chance.choice(
            (
                {"N": str(self.chance.randrange(-3, 4))},
                {"S": self.chance.choice(("x", "xy", "y"))},
                {"SS": sorted(self.chance.sample("pqr", self.chance.randrange(1, 3)))},
            )
        )

    def item(self) -> dict[str, Any]:
        found = {name: self.leaf() for name in NAMES if self.chance.random() < 0.7}
        if self.chance.random() < 0.6:
            found["mm"] = {"M": {name: self.leaf() for name in NAMES[:2]}}
        if self.chance.random() < 0.6:
            found["ll"] = {"L": [{"N": str(number)} for number in range(3)]}
        return found

    def value(self, given: dict[str, Any] | None = None) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = self.leaf() if given is None else given
        return name

    def number(self) -> str:
        return self.value({"N": str(self.chance.randrange(-3, 4))})

    def path(self) -> str:
        return self.chance.choice((*NAMES, "mm.aa", "mm.bb", "ll[0]", "ll[2]"))

    def condition(self, depth: int = 2) -> str:
        if depth and self.chance.random() < 0.5:
            both = [self.condition(depth - 1) for _ in range(2)]
            joined = f"({both[0]}) {self.chance.choice(('AND', 'OR'))} ({both[1]})"
            return f"NOT ({joined})" if self.chance.random() < 0.3 else joined
        path = self.path()
        match self.chance.randrange(7):
            case 0:
                return f"attribute_exists({path})"
            case 1:
                return f"attribute_not_exists({path})"
            case 2:
                kind = self.value({"S": self.chance.choice(("N", "S", "SS", "M", "L"))})
                return f"attribute_type({path}, {kind})"
            case 3:
                return f"begins_with({path}, {self.value({'S': 'x'})})"
            case 4:
                return f"{path} BETWEEN {self.value({'N': '-1'})} AND {self.value({'N': '2'})}"
            case 5:
                operator = self.chance.choice(("<", "<=", ">", ">="))
                return f"{path} {operator} {self.number()}"
            case _:
                return f"{path} {self.chance.choice(('=', '<>'))} {self.value()}"

    def update(self) -> str:
        path = self.path()
        match self.chance.randrange(6):
            case 0:
                return f"SET {path} = {self.value()}"
            case 1:
                return f"SET {path} = {path} + {self.number()}"
            case 2:
                return f"SET zz = if_not_exists({path}, {self.value()})"
            case 3:
                return f"REMOVE {path}"
            case 4:
                return f"ADD {self.chance.choice(NAMES)} {self.number()}"
            case _:
                return f"DELETE {self.chance.choice(NAMES)} {self.value({'SS': ['p']})}"


def normal(item: dict[str, Any]) -> str:
    """An item with its sets in order, to be compared."""

    def ordered(value: dict[str, Any]) -> Any:
        ((kind, inner),) = value.items()
        if kind == "SS":
            return [kind, sorted(inner)]
        if kind == "M":
            return [kind, {name: ordered(each) for name, each in inner.items()}]
        return [kind, [ordered(each) for each in inner] if kind == "L" else inner]

    return json.dumps({name: ordered(value) for name, value in item.items()}, sort_keys=True)


@pytest.mark.parametrize("what", ["condition", "update"])
async def test_expressions_mean_the_same(world: World, what: str) -> None:
    await world.make_table()
    writer = Writer(5)
    agreed = refused = 0
    with moto.mock_aws():
        other = boto3.client(
            "dynamodb", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        other.create_table(
            TableName="tab",
            KeySchema=schema("id"),
            AttributeDefinitions=definitions({"id": "S"}),
            BillingMode="PAY_PER_REQUEST",
        )
        for _ in range(ROUNDS):
            item = {"id": {"S": "a"}, **writer.item()}
            writer.values = {}
            text = writer.condition() if what == "condition" else writer.update()
            members: dict[str, Any] = {"TableName": "tab", "Key": {"id": {"S": "a"}}}
            if writer.values:
                members["ExpressionAttributeValues"] = writer.values
            if what == "condition":
                members |= {"ConditionExpression": text, "ReturnValues": "ALL_OLD"}
                theirs_do, ours_do = other.delete_item, "DeleteItem"
            else:
                members |= {"UpdateExpression": text, "ReturnValues": "ALL_NEW"}
                theirs_do, ours_do = other.update_item, "UpdateItem"
            other.put_item(TableName="tab", Item=item)
            await world.put(item)
            try:
                theirs = normal(theirs_do(**members)["Attributes"])
            except ClientError as error:
                theirs = error.response["Error"]["Code"]
            except (TypeError, AttributeError):
                continue
            try:
                ours = normal((await world.do(ours_do, **members))["Attributes"])
            except ServiceError as error:
                ours = error.code
            assert ours == theirs, (text, writer.values, item)
            agreed += not ours.endswith("Exception")
            refused += ours.endswith("Exception")
    assert agreed > ROUNDS // 5
    assert refused > ROUNDS // 10
