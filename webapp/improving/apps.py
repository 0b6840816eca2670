from django.apps import AppConfig


class ImprovingConfig(AppConfig):
    name = "webapp.improving"
    label = "improving"
