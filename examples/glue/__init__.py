"""Scripts for AWS Glue, and data for them."""
