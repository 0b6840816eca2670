"""What occurs together in the assets of a project: gathered, drawn, and taken away."""
