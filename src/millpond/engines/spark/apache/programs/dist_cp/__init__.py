"""The parts of s3-dist-cp."""
