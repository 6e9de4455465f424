"""Amazon DynamoDB: tables of items, as far as the Kinesis Client Library and its kin need them."""
