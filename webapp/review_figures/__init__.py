"""How well people and models work together: what is decided without a person, and how rightly."""
