"""What frozen encoders make of pictures and sound: facts of an asset, kept for every space."""
