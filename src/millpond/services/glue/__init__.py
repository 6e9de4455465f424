"""AWS Glue: the data catalog and the crawlers that fill it."""
