from django.apps import AppConfig


class ExplainingConfig(AppConfig):
    name = "webapp.explaining"
    label = "explaining"
