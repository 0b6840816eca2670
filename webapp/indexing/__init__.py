"""What is worked out of an asset once, and shared by every project: speech."""
