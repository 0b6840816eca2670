from django.apps import AppConfig


class ReviewFiguresConfig(AppConfig):
    name = "webapp.review_figures"
    label = "review_figures"
