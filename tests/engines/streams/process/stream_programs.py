"""Programs for the engine: rows made up, passed through a function of `functions.py`."""

FUNCTIONS = '''
import os
import sys
import time

from pyflink.table import DataTypes
from pyflink.table.udf import udf

def bigint(function):
    return udf(function, result_type=DataTypes.BIGINT())

@bigint
def fine(a):
    return a * 2

@bigint
def raising(a):
    raise ValueError(f"no {a}")

@bigint
def printing(a):
    print("seen", a)
    print("and told", file=sys.stderr)
    os.write(1, b"from below\\n")
    return a

@bigint
def flooding(a):
    while True:
        print("x" * 100)

@bigint
def sleeping(a):
    time.sleep(1000)

@bigint
def holding(a):
    import re
    return 1 if re.match(r"(a+)+$", "a" * 60 + "b") else 0

@bigint
def eating(a):
    held = []
    while True:
        held.append(bytearray(16 << 20))

@bigint
def sharing(a):
    import mmap
    held = mmap.mmap(-1, 2 << 30)
    for at in range(0, 2 << 30, 4096):
        held[at] = 1
    time.sleep(30)

@bigint
def littering(a):
    with open("litter", "ab") as file:
        file.write(bytes(1 << 20))
    return a

@bigint
def leaving(a):
    os._exit(3)

@bigint
def crashing(a):
    import ctypes
    ctypes.string_at(0)

@bigint
def forging(a):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\\xff" * 64)
        except OSError:
            pass
    time.sleep(30)

@udf(result_type=DataTypes.STRING())
def looking(a):
    found = []
    for what in WHAT.splitlines():
        try:
            found.append(f"{what} -> {eval(what)!r}")
        except Exception as error:
            found.append(f"{what} -> {type(error).__name__}")
    return "\\n".join(found)

WHAT = """"""
'''


def sql(function=None, *, sink="blackhole", rate=1000, rows=None, kind="BIGINT"):
    """A program that makes rows up and passes them through a function."""
    bounded = f", 'number-of-rows' = '{rows}'" if rows else ""
    made = f"CREATE FUNCTION f AS 'functions.{function}' LANGUAGE PYTHON;" if function else ""
    return f"""
        CREATE TABLE made_up (a BIGINT) WITH (
            'connector' = 'datagen', 'rows-per-second' = '{rate}',
            'fields.a.kind' = 'sequence', 'fields.a.start' = '1', 'fields.a.end' = '1000000'
            {bounded});
        CREATE TABLE given (b {kind}) WITH ('connector' = '{sink}');
        {made}
        INSERT INTO given SELECT {"f(a)" if function else "a"} FROM made_up;
    """
