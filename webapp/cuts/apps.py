from django.apps import AppConfig


class CutsConfig(AppConfig):
    name = "webapp.cuts"
    label = "cuts"
