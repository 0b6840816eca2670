"""What people say to each other about a moment of an asset, and how they are told of it."""
