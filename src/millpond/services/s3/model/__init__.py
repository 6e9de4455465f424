"""What buckets, objects and uploads are, and S3's rules for them. Pure."""
