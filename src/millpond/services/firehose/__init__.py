"""Amazon Data Firehose: takes records in and delivers them to a destination."""
