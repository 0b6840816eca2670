from typing import Any

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "webapp.contracts"
    label = "contracts"

    def ready(self) -> None:
        from webapp.assets.days import days_changed

        days_changed.connect(_are_due, dispatch_uid="contracts")


def _are_due(assets: list[int], **_: Any) -> None:
    """Films count on other days now: the contracts that may count them are looked at again."""
    from webapp import jobs
    from webapp.contracts.models import Contract
    from webapp.runs.run import Run

    projects = Run.objects.filter(asset__in=assets).order_by().values("project").distinct()
    if Contract.objects.alive().filter(project__in=projects).update(checked=None):
        jobs.check_contracts()
