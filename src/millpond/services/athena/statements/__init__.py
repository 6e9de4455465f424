"""What a query string asks for: Athena's DDL and utility statements, read into values. Pure."""
