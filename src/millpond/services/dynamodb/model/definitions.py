"""The rules for what CreateTable and UpdateTable may define.

Source: DynamoDB API reference, CreateTable; developer guide, Quotas.
"""

from collections.abc import Callable, Mapping, Sequence

from millpond.services.dynamodb import shapes
from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model.tables import Index, KeyKind, KeySchema, Throughput

GLOBAL_INDEXES_MAX = 20
LOCAL_INDEXES_MAX = 5
INCLUDED_ATTRIBUTES_MAX = 100
TAGS_MAX = 50

NewId = Callable[[], str]


def read_definitions(given: Sequence[shapes.AttributeDefinition] | None) -> dict[str, KeyKind]:
    """Types of attributes by name.

    Raises:
        ValidationError: a name stands twice.
    """
    definitions: dict[str, KeyKind] = {}
    for each in given or ():
        if each.attribute_name in definitions:
            raise invalid(f"Duplicate AttributeName: {each.attribute_name}")
        definitions[each.attribute_name] = each.attribute_type
    return definitions


def read_schema(
    elements: Sequence[shapes.KeySchemaElement], definitions: Mapping[str, KeyKind]
) -> KeySchema:
    """The key that a KeySchema describes.

    Raises:
        ValidationError: it is not one HASH and at most one RANGE, of defined attributes.
    """
    if len(elements) > 2:
        raise ValidationError(
            "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2"
        )
    if elements[0].key_type != "HASH":
        raise invalid("The first KeySchemaElement is not a HASH key type")
    names = [element.attribute_name for element in elements]
    missing = [name for name in names if name not in definitions]
    if missing:
        raise invalid(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(missing)}], AttributeDefinitions: [{', '.join(definitions)}]"
        )
    if len(elements) == 1:
        return KeySchema(names[0], definitions[names[0]])
    if elements[1].key_type != "RANGE":
        raise invalid("The second KeySchemaElement is not a RANGE key type")
    if names[0] == names[1]:
        raise invalid(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    return KeySchema(names[0], definitions[names[0]], names[1], definitions[names[1]])


def check_all_used(
    definitions: Mapping[str, KeyKind], schema: KeySchema, indexes: Sequence[Index]
) -> None:
    """Refuse definitions of attributes that are no keys.

    Raises:
        ValidationError
    """
    used = {name for each in (schema, *(index.schema for index in indexes)) for name in each.names}
    if set(definitions) != used:
        raise invalid(
            "Some AttributeDefinitions are not used. "
            f"AttributeDefinitions: [{', '.join(definitions)}], "
            f"keys used: [{', '.join(sorted(used))}]"
        )


def read_global_index(
    given: shapes.GlobalSecondaryIndex | shapes.CreateGlobalSecondaryIndexAction,
    definitions: Mapping[str, KeyKind],
    new_id: NewId,
    *,
    provisioned: bool,
) -> Index:
    """A global secondary index.

    Raises:
        ValidationError
    """
    throughput = read_throughput(
        given.provisioned_throughput,
        provisioned=provisioned,
        where=f" for index: {given.index_name}",
    )
    projection, included = read_projection(given.projection)
    return Index(
        id=new_id(),
        name=given.index_name,
        schema=read_schema(given.key_schema, definitions),
        projection=projection,
        included=included,
        throughput=throughput,
    )


def read_local_index(
    given: shapes.LocalSecondaryIndex,
    schema: KeySchema,
    definitions: Mapping[str, KeyKind],
    new_id: NewId,
) -> Index:
    """A local secondary index of a table with the key `schema`.

    Raises:
        ValidationError
    """
    if not schema.range:
        raise invalid(
            "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    own = read_schema(given.key_schema, definitions)
    if not own.range:
        raise invalid(f"Index KeySchema does not have a range key for index: {given.index_name}")
    if own.hash != schema.hash:
        raise invalid(
            "Index KeySchema does not have the same leading hash key as table KeySchema for "
            f"index: {given.index_name}. index hash key: {own.hash}, "
            f"table hash key: {schema.hash}"
        )
    projection, included = read_projection(given.projection)
    return Index(
        id=new_id(),
        name=given.index_name,
        schema=own,
        projection=projection,
        included=included,
        local=True,
    )


def read_projection(given: shapes.Projection) -> tuple[shapes.ProjectionType, tuple[str, ...]]:
    """The type of a projection, and what it includes.

    Raises:
        ValidationError: the two contradict each other.
    """
    if given.projection_type is None:
        raise invalid("Unknown ProjectionType: null")
    included = tuple(given.non_key_attributes or ())
    if given.projection_type == "INCLUDE" and not included:
        raise invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if given.projection_type != "INCLUDE" and included:
        raise invalid(
            f"ProjectionType is {given.projection_type}, but NonKeyAttributes is specified"
        )
    return given.projection_type, included


def check_indexes(indexes: Sequence[Index]) -> None:
    """Refuse two indexes of one name, and too many.

    Raises:
        ValidationError
    """
    names = [index.name for index in indexes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise invalid(f"Duplicate index name: {twice}")
    local = sum(index.local for index in indexes)
    if local > LOCAL_INDEXES_MAX:
        raise invalid(
            f"Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}"
        )
    if len(indexes) - local > GLOBAL_INDEXES_MAX:
        raise invalid(
            f"GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}"
        )
    if sum(len(index.included) for index in indexes) > INCLUDED_ATTRIBUTES_MAX:
        raise invalid(
            "The number of NonKeyAttributes of all indexes exceeds the limit of "
            f"{INCLUDED_ATTRIBUTES_MAX}"
        )


def read_throughput(
    given: shapes.ProvisionedThroughput | None, *, provisioned: bool, where: str = ""
) -> Throughput:
    """Units for a table or index (`where` names it in refusals); none when they are on demand.

    Raises:
        ValidationError: they are missing, or given where there are none.
    """
    if provisioned:
        if given is None:
            raise invalid(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode "
                f"is PROVISIONED{where}"
            )
        return Throughput(given.read_capacity_units, given.write_capacity_units)
    if given is not None:
        raise invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode "
            f"is PAY_PER_REQUEST{where}"
        )
    return Throughput()


def read_tags(given: Sequence[shapes.Tag] | None) -> dict[str, str]:
    """Tags by key.

    Raises:
        ValidationError: a key stands twice, or begins with `aws:`.
    """
    tags: dict[str, str] = {}
    for tag in given or ():
        if tag.key in tags:
            raise ValidationError(f"Duplicate tag key: {tag.key}")
        if tag.key.lower().startswith("aws:"):
            raise ValidationError(f"Tag keys that begin with aws: are reserved: {tag.key}")
        tags[tag.key] = tag.value
    check_tag_count(tags)
    return tags


def check_tag_count(tags: Mapping[str, str]) -> None:
    """Refuse more tags than a table may have.

    Raises:
        ValidationError
    """
    if len(tags) > TAGS_MAX:
        raise ValidationError(f"Too many tags: a table has at most {TAGS_MAX}")
