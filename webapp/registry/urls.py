from django.urls import path

from webapp.registry import views

urlpatterns = [
    path("models", views.models, name="models"),
    path("models/<int:pk>", views.model, name="model"),
    path("model-versions/<int:pk>/status", views.version_status, name="model-version-status"),
    path("model-versions/<int:pk>/promote", views.promote, name="model-version-promote"),
    path("model-versions/<int:pk>/check", views.check_again, name="model-version-check"),
]
