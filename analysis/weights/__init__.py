"""Models that others publish, fetched when a person asks for them, and never otherwise.

    for model in read_catalogue().models: …
    fetch(model, Path("weights"))

`catalogue` reads what the installed packages say of their models: addresses, each with the SHA-256
of its file. `download.fetch` brings one into a folder, whole or not at all, and goes on where an
earlier one broke off. `command` is both at a prompt, with `progress`. The rooms that use weights
know nothing of this one: they look into the folder.
"""

from analysis.weights.catalogue import Catalogue, PublishedModel, read_catalogue
from analysis.weights.download import fetch

__all__ = ["Catalogue", "PublishedModel", "fetch", "read_catalogue"]
