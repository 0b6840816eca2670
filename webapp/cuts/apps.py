from django.apps import AppConfig


class CutsConfig(AppConfig):
    name = "webapp.cuts"
    label = "cuts"

    def ready(self) -> None:
        from webapp import removal
        from webapp.cuts.cut import cuts_to_erase, purge_removed_cuts

        removal.ALSO.append((cuts_to_erase, purge_removed_cuts))
