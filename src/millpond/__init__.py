"""Millpond: the AWS data stack as one program that really runs what it is asked."""

__version__ = "0.1.0"
