"""Amazon Athena: SQL over the catalog's tables."""
