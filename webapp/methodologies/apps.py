from django.apps import AppConfig


class MethodologiesConfig(AppConfig):
    name = "webapp.methodologies"
