"""EMR Serverless: applications, and job runs on clusters of their own."""
