"""Expressions: text → tokens → a typed tree, which is evaluated purely."""
