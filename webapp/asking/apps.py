from django.apps import AppConfig


class AskingConfig(AppConfig):
    name = "webapp.asking"
    label = "asking"
