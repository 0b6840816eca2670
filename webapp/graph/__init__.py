"""What occurs together in the assets of a project or workspace: gathered, drawn, taken away."""
