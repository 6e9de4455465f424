"""AWS Glue's transforms that learn from the data they transform."""
