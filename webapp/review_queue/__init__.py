"""What people are asked to look at of what a model found: rules that choose it, and a queue."""
