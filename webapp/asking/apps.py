from django.apps import AppConfig


class AskingConfig(AppConfig):
    name = "webapp.asking"
    label = "asking"

    def ready(self) -> None:
        from webapp.asking.judgements import Judgement
        from webapp.spaces.estimating import COUNTED

        COUNTED["judged"] = Judgement.objects.n_pairs
