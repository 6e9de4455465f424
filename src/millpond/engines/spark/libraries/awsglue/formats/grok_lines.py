"""grokLog: lines that a grok pattern takes apart; each name in it is a column of strings.

Source: "Using the grokLog format in AWS Glue" (developer guide); Logstash's basic patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ..gluetypes import Field, StringType, StructType
from ..places import Access
from ..plan import Errors
from ..records import error_record
from ..refusals import NotSupported, refuse_others
from ..shapes import Shape
from ..splits import Piece, lines
from ..values import from_records

_OPTIONS = ("logFormat", "customPatterns", "MISSING", "missing")
_KNOWN = {
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"%{USERNAME}",
    "INT": r"(?:[+-]?(?:[0-9]+))",
    "BASE10NUM": r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)",
    "NUMBER": r"(?:%{BASE10NUM})",
    "POSINT": r"\b(?:[1-9][0-9]*)\b",
    "NONNEGINT": r"\b(?:[0-9]+)\b",
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "QUOTEDSTRING": r"\"(?:\\.|[^\\\"])*\"|'(?:\\.|[^\\'])*'",
    "QS": r"%{QUOTEDSTRING}",
    "UUID": r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}",
    "IPV4": r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)",
    "IPV6": r"(?:[A-Fa-f0-9]{0,4}:){2,7}[A-Fa-f0-9]{0,4}",
    "IP": r"(?:%{IPV6}|%{IPV4})",
    "HOSTNAME": r"\b(?:[0-9A-Za-z][0-9A-Za-z-]{0,62})(?:\.(?:[0-9A-Za-z][0-9A-Za-z-]{0,62}))*\b",
    "HOST": r"%{HOSTNAME}",
    "IPORHOST": r"(?:%{IP}|%{HOSTNAME})",
    "PATH": r"(?:/[\w_%!$@:.,+~-]*)+",
    "URIPATH": r"(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+",
    "URIPARAM": r"\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*",
    "URIPATHPARAM": r"%{URIPATH}(?:%{URIPARAM})?",
    "MONTH": r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b",
    "MONTHNUM": r"(?:0?[1-9]|1[0-2])",
    "MONTHDAY": r"(?:0[1-9]|[12]\d|3[01]|[1-9])",
    "YEAR": r"\d{2,4}",
    "HOUR": r"(?:2[0123]|[01]?[0-9])",
    "MINUTE": r"(?:[0-5][0-9])",
    "SECOND": r"(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?",
    "TIME": r"%{HOUR}:%{MINUTE}(?::%{SECOND})?",
    "ISO8601_TIMEZONE": r"(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))",
    "TIMESTAMP_ISO8601": (
        r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?"
        r"%{ISO8601_TIMEZONE}?"
    ),
    "HTTPDATE": r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}",
    "LOGLEVEL": r"(?i:trace|debug|info|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe)",
    "PROG": r"[\x21-\x5a\x5c\x5e-\x7e]+",
    "HTTPDUSER": r"%{USER}",
    "COMMONAPACHELOG": (
        r"%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \[%{HTTPDATE:timestamp}\] "
        r'"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?'
        r'|%{DATA:rawrequest})" '
        r"%{NUMBER:response} (?:%{NUMBER:bytes}|-)"
    ),
    "COMBINEDAPACHELOG": r"%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}",
}
_PART = re.compile(r"%\{(\w+)(?::([\w.\-\[\]@]+))?(?::(\w+))?\}")
_DEPTH_MAX = 20


@dataclass(frozen=True)
class GrokFormat:
    pattern: str
    names: tuple[str, ...]
    missing: str | None
    may_cut: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> GrokFormat:
        refuse_others("grokLog", options, _OPTIONS)
        if not options.get("logFormat"):
            raise ValueError("grokLog: the option logFormat is missing.")
        known = dict(_KNOWN)
        for line in str(options.get("customPatterns", "")).splitlines():
            name, _, pattern = line.strip().partition(" ")
            if name:
                known[name] = pattern.strip()
        names: list[str] = []
        pattern = _expand(str(options["logFormat"]), known, names, 0)
        missing = options.get("MISSING", options.get("missing"))
        return cls(pattern, tuple(names), missing)

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        return StructType([Field(name, StringType()) for name in dict.fromkeys(self.names)])

    def observe(self, piece: Piece, access: Access) -> Shape:
        return {}

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]:
        matches = re.compile(self.pattern).search
        for block in lines(piece, access):
            records = []
            for line in block.decode("utf-8", "replace").splitlines():
                if not line.strip():
                    continue
                found = matches(line)
                if found is None:
                    if errors is not None:
                        text = "The line does not match logFormat."
                        errors.append(error_record(text, text=line, source=piece.uri))
                    continue
                records.append(self._record(found.groups()))
            if records:
                yield from_records(records, schema)

    def _record(self, groups: tuple[Any, ...]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for name, text in zip(self.names, groups, strict=False):
            value = None if text == self.missing else text
            if record.get(name) is None:
                record[name] = value
        return record


def _expand(text: str, known: Mapping[str, str], names: list[str], depth: int) -> str:
    if depth > _DEPTH_MAX:
        raise ValueError("grokLog: a pattern contains itself.")
    out, at = [], 0
    for part in _PART.finditer(text):
        out.append(text[at : part.start()])
        at = part.end()
        name, field, _ = part.groups()
        if name not in known:
            raise NotSupported(
                f"grokLog: the pattern {name} is not known; say it in customPatterns."
            )
        if field:
            names.append(field)
            out.append(f"({_expand(known[name], known, names, depth + 1)})")
        else:
            out.append(f"(?:{_expand(known[name], known, names, depth + 1)})")
    out.append(text[at:])
    return "".join(out)
