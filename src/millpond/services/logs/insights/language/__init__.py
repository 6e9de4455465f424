"""The query language: text to a tree, without knowing how it runs."""
