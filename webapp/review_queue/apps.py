from django.apps import AppConfig


class ReviewQueueConfig(AppConfig):
    name = "webapp.review_queue"
    label = "review_queue"
