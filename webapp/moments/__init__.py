"""What an asset is about, and when: topics and moments, as found and as people corrected them."""
