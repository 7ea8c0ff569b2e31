"""What PostgreSQL has and the engine lacks, in the engine's words."""
