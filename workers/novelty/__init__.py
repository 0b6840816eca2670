"""What is new in a project: gathered, named, and kept again where an analysis kept nothing."""
