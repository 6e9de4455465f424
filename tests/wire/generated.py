"""Models of services that Millpond does not have, to judge what theirs will need of the wire."""

import sys
from functools import cache
from types import ModuleType

from millpond.wire.shape import ServiceModel
from tools.generate_shapes import Writer


@cache
def model_of(service: str, *operations: str) -> ServiceModel:
    """The generated model of `operations` of any service that botocore knows."""
    text = Writer(service, {"model": service, "operations": list(operations)}).text()
    module = ModuleType(f"generated_{service.replace('-', '_')}")
    sys.modules[module.__name__] = module
    exec(compile(text, module.__name__, "exec"), module.__dict__)
    model: ServiceModel = module.MODEL
    return model
