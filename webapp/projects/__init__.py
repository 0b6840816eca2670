"""Projects, their labels, and the reference logos of each label."""
