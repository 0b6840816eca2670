from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "webapp"
    label = "site"

    def ready(self) -> None:
        from webapp import checks  # noqa: F401  registers what `manage.py check` says
