"""Five years of a retailer's orders: made, crawled, aggregated with Spark, queried, drawn."""
