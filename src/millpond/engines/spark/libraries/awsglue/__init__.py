"""The library that AWS Glue's scripts import, written anew on PySpark alone.

It runs on Spark Connect (no JVM, no RDDs) and on Apache Spark's own PySpark, with equal results;
see the README beside this package for what it covers, and what differs.
"""

from .dynamicframe import DynamicFrame

__all__ = ["DynamicFrame"]
