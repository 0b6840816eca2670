from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "webapp.contracts"
    label = "contracts"
