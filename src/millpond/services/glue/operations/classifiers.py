"""Custom classifiers: their definitions. Crawlers name them, and ask them in that order."""

from typing import Any

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.classifiers import store
from millpond.services.glue.classifiers.model import (
    Classifier,
    Csv,
    Grok,
    Json,
    Rules,
    Xml,
    check,
)
from millpond.services.glue.errors import AlreadyExists, EntityNotFound, InvalidInput
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import pages_of

PAGE_SIZE_DEFAULT = 100


async def require_classifier(transaction: Transaction, call: Call, name: str) -> Classifier:
    """The classifier.

    Raises:
        EntityNotFound: there is none of that name.
    """
    classifier = await store.load_classifier(transaction, call, name)
    if classifier is None:
        raise EntityNotFound(f"Classifier {name} not found.")
    return classifier


async def create_classifier(
    needs: Needs, call: Call, request: shapes.CreateClassifierRequest
) -> shapes.CreateClassifierResponse:
    """Define a classifier: exactly one of grok, XML, JSON and CSV.

    Raises:
        AlreadyExists: the name is taken.
        InvalidInput: a pattern or path cannot be read, or there is not exactly one kind.

    Source: Glue API reference, CreateClassifier.
    """
    name, rules = _created(request)
    check(rules)
    async with needs.records.transaction() as transaction:
        if await store.load_classifier(transaction, call, name):
            raise AlreadyExists(f"Classifier with name {name} already exists")
        now_ms = needs.clock.now_ms()
        classifier = Classifier(name=name, rules=rules, created_ms=now_ms, updated_ms=now_ms)
        store.save_classifier(transaction, call, classifier)
    return shapes.CreateClassifierResponse()


async def get_classifier(
    needs: Needs, call: Call, request: shapes.GetClassifierRequest
) -> shapes.GetClassifierResponse:
    """A classifier. Source: Glue API reference, GetClassifier."""
    async with needs.records.transaction() as transaction:
        classifier = await require_classifier(transaction, call, request.name)
    return shapes.GetClassifierResponse(classifier=_show(classifier))


async def get_classifiers(
    needs: Needs, call: Call, request: shapes.GetClassifiersRequest
) -> shapes.GetClassifiersResponse:
    """All classifiers by name. Source: Glue API reference, GetClassifiers."""
    paging = pages_of(needs, call)
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[Classifier] = []
    token = None
    async with needs.records.transaction() as transaction:
        async for classifier in store.scan_classifiers(transaction, call, after):
            if len(found) == size:
                token = paging.seal(found[-1].name)
                break
            found.append(classifier)
    return shapes.GetClassifiersResponse(classifiers=list(map(_show, found)), next_token=token)


async def update_classifier(
    needs: Needs, call: Call, request: shapes.UpdateClassifierRequest
) -> shapes.UpdateClassifierResponse:
    """Change what is given of a classifier; the rest stays, and so does its kind.

    Source: Glue API reference, UpdateClassifier.
    """
    given = _only(
        request.grok_classifier,
        request.xml_classifier,
        request.json_classifier,
        request.csv_classifier,
    )
    async with needs.records.transaction() as transaction:
        classifier = await require_classifier(transaction, call, given.name)
        rules = _changed(classifier.rules, request)
        check(rules)
        updated = msgspec.structs.replace(
            classifier,
            rules=rules,
            version=classifier.version + 1,
            updated_ms=needs.clock.now_ms(),
        )
        store.save_classifier(transaction, call, updated)
    return shapes.UpdateClassifierResponse()


async def delete_classifier(
    needs: Needs, call: Call, request: shapes.DeleteClassifierRequest
) -> shapes.DeleteClassifierResponse:
    """Remove a classifier; a crawler that names it fails from then on.

    Source: Glue API reference, DeleteClassifier.
    """
    async with needs.records.transaction() as transaction:
        classifier = await require_classifier(transaction, call, request.name)
        store.delete_classifier(transaction, call, classifier.name)
    return shapes.DeleteClassifierResponse()


_Given = (
    shapes.CreateGrokClassifierRequest
    | shapes.CreateXMLClassifierRequest
    | shapes.CreateJsonClassifierRequest
    | shapes.CreateCsvClassifierRequest
    | shapes.UpdateGrokClassifierRequest
    | shapes.UpdateXMLClassifierRequest
    | shapes.UpdateJsonClassifierRequest
    | shapes.UpdateCsvClassifierRequest
)


def _only(*kinds: _Given | None) -> _Given:
    given = [kind for kind in kinds if kind is not None]
    if len(given) != 1:
        raise InvalidInput(
            "Exactly one of GrokClassifier, XMLClassifier, JsonClassifier and CsvClassifier must "
            "be specified."
        )
    return given[0]


def _created(request: shapes.CreateClassifierRequest) -> tuple[str, Rules]:
    given = _only(
        request.grok_classifier,
        request.xml_classifier,
        request.json_classifier,
        request.csv_classifier,
    )
    match given:
        case shapes.CreateGrokClassifierRequest():
            return given.name, Grok(
                classification=given.classification,
                pattern=given.grok_pattern,
                custom_patterns=given.custom_patterns or "",
            )
        case shapes.CreateXMLClassifierRequest():
            return given.name, Xml(classification=given.classification, row_tag=given.row_tag or "")
        case shapes.CreateJsonClassifierRequest():
            return given.name, Json(path=given.json_path)
        case shapes.CreateCsvClassifierRequest():
            return given.name, _csv(Csv(), given)
    raise InvalidInput("The classifier is of no kind.")


def _changed(rules: Rules, request: shapes.UpdateClassifierRequest) -> Rules:
    match rules, request:
        case Grok(), shapes.UpdateClassifierRequest(grok_classifier=given) if given is not None:
            return Grok(
                classification=given.classification or rules.classification,
                pattern=given.grok_pattern or rules.pattern,
                custom_patterns=_kept(given.custom_patterns, rules.custom_patterns),
            )
        case Xml(), shapes.UpdateClassifierRequest(xml_classifier=given) if given is not None:
            return Xml(
                classification=given.classification or rules.classification,
                row_tag=_kept(given.row_tag, rules.row_tag),
            )
        case Json(), shapes.UpdateClassifierRequest(json_classifier=given) if given is not None:
            return Json(path=_kept(given.json_path, rules.path))
        case Csv(), shapes.UpdateClassifierRequest(csv_classifier=given) if given is not None:
            return _csv(rules, given)
    raise InvalidInput("A classifier's kind cannot be changed.")


def _kept(given: str | None, before: str) -> str:
    return before if given is None else given


def _csv(
    before: Csv, given: shapes.CreateCsvClassifierRequest | shapes.UpdateCsvClassifierRequest
) -> Csv:
    named = {
        "delimiter": given.delimiter,
        "quote": given.quote_symbol,
        "contains_header": given.contains_header,
        "header": None if given.header is None else tuple(given.header),
        "disable_value_trimming": given.disable_value_trimming,
        "allow_single_column": given.allow_single_column,
        "custom_datatype_configured": given.custom_datatype_configured,
        "custom_datatypes": (
            None if given.custom_datatypes is None else tuple(given.custom_datatypes)
        ),
        "serde": given.serde,
    }
    changes = {name: value for name, value in named.items() if value is not None}
    return msgspec.structs.replace(before, **changes)


def _show(classifier: Classifier) -> shapes.Classifier:
    rules = classifier.rules
    told: dict[str, Any] = {
        "name": classifier.name,
        "creation_time": classifier.created_ms / 1000,
        "last_updated": classifier.updated_ms / 1000,
        "version": classifier.version,
    }
    match rules:
        case Grok():
            return shapes.Classifier(
                grok_classifier=shapes.GrokClassifier(
                    **told,
                    classification=rules.classification,
                    grok_pattern=rules.pattern,
                    custom_patterns=rules.custom_patterns or None,
                )
            )
        case Xml():
            return shapes.Classifier(
                xml_classifier=shapes.XMLClassifier(
                    **told, classification=rules.classification, row_tag=rules.row_tag
                )
            )
        case Json():
            return shapes.Classifier(
                json_classifier=shapes.JsonClassifier(**told, json_path=rules.path)
            )
        case Csv():
            return shapes.Classifier(
                csv_classifier=shapes.CsvClassifier(
                    **told,
                    delimiter=rules.delimiter or None,
                    quote_symbol=rules.quote or None,
                    contains_header=rules.contains_header,
                    header=list(rules.header) or None,
                    disable_value_trimming=rules.disable_value_trimming,
                    allow_single_column=rules.allow_single_column,
                    custom_datatype_configured=rules.custom_datatype_configured,
                    custom_datatypes=list(rules.custom_datatypes) or None,
                    serde=rules.serde,
                )
            )
