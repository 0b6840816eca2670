from django.apps import AppConfig


class LabellingConfig(AppConfig):
    name = "webapp.labeling"
    label = "labeling"
