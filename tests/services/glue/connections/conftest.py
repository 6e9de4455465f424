"""Databases that connections lead to."""

from tests.databases import mysql, postgres  # noqa: F401
