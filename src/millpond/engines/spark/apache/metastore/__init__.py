"""A Hive metastore that is the Glue Data Catalog: what Spark's Hive client speaks to."""
