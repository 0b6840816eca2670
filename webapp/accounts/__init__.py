"""People, workspaces, roles and keys: who may see what."""
