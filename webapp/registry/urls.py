from django.urls import path

from webapp.registry import views

urlpatterns = [
    path("models", views.models, name="models"),
    path("models/in-memory", views.in_memory, name="models-in-memory"),
    path("models/<number:pk>", views.model, name="model"),
    path("model-versions/<number:pk>/status", views.version_status, name="model-version-status"),
    path("model-versions/<number:pk>/promote", views.promote, name="model-version-promote"),
    path("model-versions/<number:pk>/check", views.check_again, name="model-version-check"),
    path("model-versions/<number:pk>/archive", views.archive, name="model-version-archive"),
    path("model-versions/<number:pk>/unarchive", views.unarchive, name="model-version-unarchive"),
    path("model-versions/<number:pk>/copy", views.copy, name="model-version-copy"),
    path("model-versions/<number:pk>/export", views.export, name="model-version-export"),
    path("model-versions/<number:pk>/start", views.start, name="model-version-start"),
    path("model-versions/<number:pk>/stop", views.stop, name="model-version-stop"),
    path("model-versions/<number:pk>/hosting", views.hosting, name="model-version-hosting"),
    path("models/<number:pk>/gate", views.gate, name="model-gate"),
    path("models/<number:pk>/alias", views.drop_alias, name="model-alias-drop"),
]
