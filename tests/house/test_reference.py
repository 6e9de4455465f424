"""The reference says what the code does."""

import importlib.util
from types import ModuleType

import pytest

from tests.house.documents import ROOT


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    path = ROOT / "tools" / "generate_reference.py"
    spec = importlib.util.spec_from_file_location("generate_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_up_to_date(generator: ModuleType) -> None:
    """When this fails: `make docs`, and look at what changed."""
    written = {path.name: path.read_text("utf-8") for path in generator.REFERENCE.glob("*.md")}
    for name in generator.WRITTEN:
        written.pop(name, None)
    assert written == generator.pages()


def test_every_operation_of_the_shapes_is_implemented(generator: ModuleType) -> None:
    for service in generator.SERVICES:
        assert set(generator._operations(service)) == set(generator._model(service).operations)
