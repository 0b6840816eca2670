from django.apps import AppConfig


class NewBrandsConfig(AppConfig):
    name = "webapp.new_brands"
    label = "new_brands"
