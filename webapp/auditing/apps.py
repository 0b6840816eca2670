from django.apps import AppConfig


class AuditingConfig(AppConfig):
    name = "webapp.auditing"
    label = "auditing"
