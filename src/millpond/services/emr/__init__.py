"""Amazon EMR: clusters that run Spark steps."""
