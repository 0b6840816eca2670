from django.apps import AppConfig


class SkyConfig(AppConfig):
    name = "webapp.sky"
    label = "sky"
