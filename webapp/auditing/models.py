"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.auditing.audits import Audit, AuditedLabel, What
from webapp.auditing.items import AuditItem

__all__ = ["Audit", "AuditItem", "AuditedLabel", "What"]
