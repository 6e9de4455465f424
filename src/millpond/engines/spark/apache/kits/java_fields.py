"""Hive 3.1 on a Java newer than 8.

When Hive writes down a plan it looks into Java's `ArrayList$SubList`, whose fields got other names
in Java 9: `parent` became `root`, `parentOffset` became `offset`. Hive 4 asks for those
(HIVE-22097). The class of Hive 3.1 that asks gets the new names here, in a jar of its own that
comes before Hive's.

Source: The Java Virtual Machine Specification, 4.4 "The Constant Pool".
"""

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

PATCH = "0-newer-java.jar"
_CLASS = "org/apache/hadoop/hive/ql/exec/SerializationUtilities$ArrayListSubListSerializer.class"
_FIELDS = {b"parent": b"root", b"parentOffset": b"offset"}
_UTF8, _WIDE = 1, (5, 6)
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 18: 4}
_COUNT_AT, _POOL_AT = 8, 10


def add_for_newer_java(folder: Path) -> None:
    """Write the jar beside Hive's in `folder`."""
    original = next(folder.glob("hive-exec-*.jar"))
    with zipfile.ZipFile(original) as jar, zipfile.ZipFile(folder / PATCH, "w") as patch:
        patch.writestr(_CLASS, rename_texts(jar.read(_CLASS), _FIELDS))


def rename_texts(code: bytes, names: Mapping[bytes, bytes]) -> bytes:
    """A class file with other texts in its pool of constants."""
    (count,) = struct.unpack_from(">H", code, _COUNT_AT)
    out, at, index = bytearray(code[:_POOL_AT]), _POOL_AT, 1
    while index < count:
        tag = code[at]
        if tag == _UTF8:
            (length,) = struct.unpack_from(">H", code, at + 1)
            text = code[at + 3 : at + 3 + length]
            renamed = names.get(text, text)
            out += struct.pack(">BH", _UTF8, len(renamed)) + renamed
            at += 3 + length
        else:
            out += code[at : at + 1 + _SIZES[tag]]
            at += 1 + _SIZES[tag]
        index += 2 if tag in _WIDE else 1
    return bytes(out) + code[at:]
