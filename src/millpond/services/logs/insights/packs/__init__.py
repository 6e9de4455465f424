"""Events in columns: Parquet files beside the log, so that queries need not read it again."""
