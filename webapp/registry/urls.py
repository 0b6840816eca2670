from django.urls import path

from webapp.registry import views

urlpatterns = [
    path("models", views.models, name="models"),
    path("models/in-memory", views.in_memory, name="models-in-memory"),
    path("models/<int:pk>", views.model, name="model"),
    path("model-versions/<int:pk>/status", views.version_status, name="model-version-status"),
    path("model-versions/<int:pk>/promote", views.promote, name="model-version-promote"),
    path("model-versions/<int:pk>/check", views.check_again, name="model-version-check"),
    path("model-versions/<int:pk>/archive", views.archive, name="model-version-archive"),
    path("model-versions/<int:pk>/unarchive", views.unarchive, name="model-version-unarchive"),
    path("model-versions/<int:pk>/copy", views.copy, name="model-version-copy"),
    path("model-versions/<int:pk>/export", views.export, name="model-version-export"),
    path("model-versions/<int:pk>/start", views.start, name="model-version-start"),
    path("model-versions/<int:pk>/stop", views.stop, name="model-version-stop"),
    path("model-versions/<int:pk>/hosting", views.hosting, name="model-version-hosting"),
    path("models/<int:pk>/gate", views.gate, name="model-gate"),
    path("models/<int:pk>/alias", views.drop_alias, name="model-alias-drop"),
]
