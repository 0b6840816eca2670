from django.apps import AppConfig


class MomentsConfig(AppConfig):
    name = "webapp.moments"
    label = "moments"
