"""The library page: a workspace's assets, what was found in them, and doing things to several."""
