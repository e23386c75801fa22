"""Names of persons by language, and in tables."""
