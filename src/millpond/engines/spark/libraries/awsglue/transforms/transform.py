"""What every transform is: a class whose `apply` does it, and which tells of itself."""

from __future__ import annotations

import inspect
from typing import Any


class GlueTransform:
    """A transform defines `__call__`; what it tells of its arguments comes from there."""

    returns = "DynamicFrame"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{self.name()} does nothing.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    @classmethod
    def describeArgs(cls) -> list[dict[str, Any]]:
        """The arguments: `name`, `type`, `description`, `optional`, `defaultValue`."""
        described = []
        for parameter in list(inspect.signature(cls.__call__).parameters.values())[1:]:
            optional = parameter.default is not inspect.Parameter.empty
            described.append(
                {
                    "name": parameter.name,
                    "type": str(parameter.annotation),
                    "description": parameter.name.replace("_", " "),
                    "optional": optional,
                    "defaultValue": parameter.default if optional else None,
                }
            )
        return described

    @classmethod
    def describeReturn(cls) -> dict[str, str]:
        return {"type": cls.returns, "description": f"What {cls.name()} makes."}

    @classmethod
    def describeTransform(cls) -> str:
        return inspect.getdoc(cls) or cls.name()

    @classmethod
    def describeErrors(cls) -> list[dict[str, str]]:
        return []

    @classmethod
    def describe(cls) -> dict[str, Any]:
        return {
            "transform": {
                "name": cls.name(),
                "args": cls.describeArgs(),
                "returns": cls.describeReturn(),
                "description": cls.describeTransform(),
                "raises": cls.describeErrors(),
                "location": "internal",
            }
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"<Transform: {self.name()}>"
