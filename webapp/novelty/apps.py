from django.apps import AppConfig


class NoveltyConfig(AppConfig):
    name = "webapp.novelty"
    label = "novelty"
