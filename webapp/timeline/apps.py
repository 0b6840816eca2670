from django.apps import AppConfig


class TimelineConfig(AppConfig):
    name = "webapp.timeline"
    label = "timeline"
