"""Finding moments in all that is said, written and seen in a workspace's assets."""
