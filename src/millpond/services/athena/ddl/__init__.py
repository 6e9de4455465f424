"""Runs DDL and utility statements: on the catalog, by Glue's own operations."""
