from django.apps import AppConfig


class EncodingsConfig(AppConfig):
    name = "webapp.encodings"
    label = "encodings"
