"""CloudWatch Logs Insights: its query language, and how queries run on the SQL engine."""
