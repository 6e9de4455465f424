"""How rows leave a job: files that appear together, tables of the Data Catalog, databases."""
