from django.apps import AppConfig


class ReviewingConfig(AppConfig):
    name = "webapp.reviewing"
    label = "reviewing"
