from django.apps import AppConfig


class IndexingConfig(AppConfig):
    name = "webapp.indexing"
    label = "indexing"
