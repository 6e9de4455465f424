"""What runs inside a cluster on Apache Spark: in its Python, which has PySpark."""
