"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.registry.exports import ModelExport
from webapp.registry.hosting import Hosting
from webapp.registry.versions import Alias, ModelVersion, RegisteredModel

__all__ = ["Alias", "Hosting", "ModelExport", "ModelVersion", "RegisteredModel"]
