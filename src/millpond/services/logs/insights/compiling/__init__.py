"""From a query's tree to SELECTs over the table of events."""
