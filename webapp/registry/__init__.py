"""Detection models: versions, and the names in use."""
