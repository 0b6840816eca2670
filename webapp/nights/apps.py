from django.apps import AppConfig


class NightsConfig(AppConfig):
    name = "webapp.nights"
    label = "nights"
