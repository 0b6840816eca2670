from django.apps import AppConfig


class AuditingConfig(AppConfig):
    name = "webapp.auditing"
    label = "auditing"

    def ready(self) -> None:
        from webapp.auditing.carrying import on_finish
        from webapp.runs.run import looked_again

        looked_again.connect(on_finish)
