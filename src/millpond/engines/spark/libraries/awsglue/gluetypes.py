"""Types of a DynamicFrame's schema: Spark's, and ChoiceType for what has several types.

Names, parameters and the JSON of types are those of AWS's `awsglue.gluetypes`; its source is
public (awslabs/aws-glue-libs), this is not taken from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

DECIMAL_DIGITS_MAX = 38


class DataType:
    """Any type. Two are equal when they describe the same values."""

    def __init__(self, properties: dict[str, Any] | None = None) -> None:
        self.properties = properties or {}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.jsonValue() == other.jsonValue()

    def __hash__(self) -> int:
        return hash(self.typeName())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.properties})"

    @classmethod
    def typeName(cls) -> str:
        return cls.__name__[: -len("Type")].lower()

    def jsonValue(self) -> dict[str, Any]:
        return {"dataType": self.typeName(), "properties": self.properties}

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> DataType:
        return cls(json_value.get("properties"))


class AtomicType(DataType):
    """A type without parts."""


class BinaryType(AtomicType):
    pass


class BooleanType(AtomicType):
    pass


class ByteType(AtomicType):
    pass


class DateType(AtomicType):
    pass


class DecimalType(AtomicType):
    def __init__(
        self, precision: int = 10, scale: int = 2, properties: dict[str, Any] | None = None
    ) -> None:
        super().__init__(properties)
        self.precision = precision
        self.scale = scale

    def __repr__(self) -> str:
        return f"DecimalType({self.precision}, {self.scale}, {self.properties})"

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "precision": self.precision, "scale": self.scale}

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> DataType:
        return cls(json_value["precision"], json_value["scale"], json_value.get("properties"))


class DoubleType(AtomicType):
    pass


class EnumType(AtomicType):
    def __init__(self, options: Iterable[str], properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.options = list(options)

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "options": self.options}

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> DataType:
        return cls(json_value["options"], json_value.get("properties"))


class FloatType(AtomicType):
    pass


class IntegerType(AtomicType):
    @classmethod
    def typeName(cls) -> str:
        return "int"


class LongType(AtomicType):
    pass


class NullType(AtomicType):
    pass


class ShortType(AtomicType):
    pass


class StringType(AtomicType):
    pass


class TimestampType(AtomicType):
    pass


class UnknownType(AtomicType):
    pass


class ArrayType(DataType):
    def __init__(
        self,
        elementType: DataType | None = None,
        properties: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(properties)
        self.elementType = _checked("elementType", elementType or UnknownType())

    def __repr__(self) -> str:
        return f"ArrayType({self.elementType}, {self.properties})"

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "elementType": self.elementType.jsonValue()}

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> DataType:
        return cls(_deserialize_json_value(json_value["elementType"]), json_value.get("properties"))


class ChoiceType(DataType):
    """One of several types, told apart by their names: never two structs, or two arrays."""

    def __init__(
        self, choices: Iterable[DataType] = (), properties: dict[str, Any] | None = None
    ) -> None:
        super().__init__(properties)
        self.choices: dict[str, DataType] = {}
        for choice in choices:
            self.add(choice)

    def __repr__(self) -> str:
        return f"ChoiceType([{','.join(map(str, self.sorted()))}], {self.properties})"

    def add(self, new_choice: DataType) -> None:
        if new_choice.typeName() in self.choices:
            raise ValueError("Attempting to insert duplicate choice", new_choice)
        self.choices[new_choice.typeName()] = new_choice

    def merge(self, new_choices: Any) -> None:
        for choice in new_choices if isinstance(new_choices, list) else [new_choices]:
            existing = self.choices.get(choice.typeName(), UnknownType())
            self.choices[choice.typeName()] = mergeDataTypes(existing, choice)

    def sorted(self) -> list[DataType]:
        """The choices by their names: their order in a schema, and in a struct of them."""
        return [self.choices[name] for name in sorted(self.choices)]

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "choices": [one.jsonValue() for one in self.sorted()]}

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> DataType:
        choices = [_deserialize_json_value(one) for one in json_value["choices"]]
        return cls(choices, json_value.get("properties"))


class MapType(DataType):
    """Keys are strings."""

    def __init__(
        self, valueType: DataType | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        super().__init__(properties)
        self.valueType = _checked("valueType", valueType or UnknownType())

    def __repr__(self) -> str:
        return f"MapType({self.valueType}, {self.properties})"

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "valueType": self.valueType.jsonValue()}

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> DataType:
        return cls(_deserialize_json_value(json_value["valueType"]), json_value.get("properties"))


class Field:
    def __init__(
        self, name: str, dataType: DataType, properties: dict[str, Any] | None = None
    ) -> None:
        self.name = name
        self.dataType = _checked("dataType", dataType)
        self.properties = properties or {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and self.jsonValue() == other.jsonValue()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Field({self.name}, {self.dataType}, {self.properties})"

    def jsonValue(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "container": self.dataType.jsonValue(),
            "properties": self.properties,
        }

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> Field:
        container = _deserialize_json_value(json_value["container"])
        return cls(json_value["name"], container, json_value.get("properties"))


class StructType(DataType):
    def __init__(
        self, fields: Iterable[Field] | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        super().__init__(properties)
        self.fields: list[Field] = []
        self.field_map: dict[str, Field] = {}
        for field in fields or ():
            self.add(field)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __repr__(self) -> str:
        return f"StructType([{','.join(map(str, self.fields))}], {self.properties})"

    def add(self, field: Field) -> None:
        if not isinstance(field, Field):
            raise TypeError("fields should be a list of Field")
        self.fields.append(field)
        self.field_map[field.name] = field

    def hasField(self, field: Any) -> bool:
        return (field.name if isinstance(field, Field) else field) in self.field_map

    def getField(self, field: Any) -> Field:
        return self.field_map[field.name if isinstance(field, Field) else field]

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "fields": [field.jsonValue() for field in self.fields]}

    @classmethod
    def fromJsonValue(cls, json_value: dict[str, Any]) -> DataType:
        fields = [Field.fromJsonValue(field) for field in json_value["fields"]]
        return cls(fields, json_value.get("properties"))


class EntityType(DataType):
    def __init__(self, entity: Any, base_type: Any, properties: Any) -> None:
        raise NotImplementedError("EntityType is not supported.")


class DynamicRecord(dict):
    """A record as functions of `map` and `filter` get it: fields by name, and as attributes where
    their names allow it; structs within are the same."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


_ATOMIC = (
    BinaryType, BooleanType, ByteType, DateType, DecimalType, DoubleType, EnumType, FloatType,
    IntegerType, LongType, NullType, ShortType, StringType, TimestampType, UnknownType,
)  # fmt: skip
_all_type_map: dict[str, type[DataType]] = {
    one.typeName(): one for one in (*_ATOMIC, ArrayType, ChoiceType, MapType, StructType)
}


def _checked(what: str, given: Any) -> Any:
    if not isinstance(given, DataType):
        raise TypeError(f"{what} should be DataType. Got {type(given)}")
    return given


def _serialize_schema(schema: DataType) -> str:
    return json.dumps(schema.jsonValue())


def _deserialize_json_string(json_str: str) -> DataType:
    return _deserialize_json_value(json.loads(json_str))


def _deserialize_json_value(json_val: dict[str, Any]) -> DataType:
    return _all_type_map[json_val["dataType"]].fromJsonValue(json_val)


def _create_dynamic_record(value: Any) -> Any:
    if isinstance(value, dict):
        return DynamicRecord((name, _create_dynamic_record(one)) for name, one in value.items())
    if isinstance(value, list):
        return [_create_dynamic_record(one) for one in value]
    return value


def _revert_to_dict(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _revert_to_dict(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_revert_to_dict(one) for one in value]
    return value


def mergeDataTypes(s1: DataType, s2: DataType) -> DataType:
    """The type of values of either type: a choice where one type cannot hold both."""
    if isinstance(s1, (UnknownType, NullType)):
        return s2 if not isinstance(s2, UnknownType) else s1
    if isinstance(s2, (UnknownType, NullType)):
        return s1
    if type(s1) is not type(s2) or isinstance(s1, ChoiceType):
        return _make_choice(s1, s2)
    if isinstance(s1, StructType) and isinstance(s2, StructType):
        merged = [
            Field(f.name, mergeDataTypes(f.dataType, s2.getField(f).dataType), f.properties)
            if s2.hasField(f)
            else f
            for f in s1
        ]
        return StructType([*merged, *(f for f in s2 if not s1.hasField(f))], s1.properties)
    if isinstance(s1, ArrayType) and isinstance(s2, ArrayType):
        return ArrayType(mergeDataTypes(s1.elementType, s2.elementType))
    if isinstance(s1, MapType) and isinstance(s2, MapType):
        return MapType(mergeDataTypes(s1.valueType, s2.valueType))
    if isinstance(s1, DecimalType) and isinstance(s2, DecimalType):
        scale = max(s1.scale, s2.scale)
        whole = max(s1.precision - s1.scale, s2.precision - s2.scale)
        return DecimalType(min(whole + scale, DECIMAL_DIGITS_MAX), scale)
    if isinstance(s1, EnumType) and isinstance(s2, EnumType):
        return EnumType([*s1.options, *(one for one in s2.options if one not in s1.options)])
    return s1


def _make_choice(s1: DataType, s2: DataType) -> ChoiceType:
    made = ChoiceType((), s1.properties)
    for one in (s1, s2):
        made.merge(one.sorted() if isinstance(one, ChoiceType) else one)
    return made
