"""Uploads, what is known of them, and the media they are served as."""
