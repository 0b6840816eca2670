"""What is written on a picture or in a film: captions, scores and signs."""
