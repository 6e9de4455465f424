"""What a crawler does: list, look into files, find tables and partitions, write the catalog."""
