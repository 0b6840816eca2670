"""The improvement loop: a model is trained again as its pictures grow, measured beside the version
in use, tried on past films, and put in production when a person agrees."""
