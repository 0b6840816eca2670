from django.urls import path

from webapp.runs import views

urlpatterns = [
    path("assets/<number:pk>/runs", views.start, name="run-start"),
    path("runs/<number:pk>/pause", views.pause, name="run-pause"),
    path("runs/<number:pk>/resume", views.resume, name="run-resume"),
    path("runs/<number:pk>/cancel", views.cancel, name="run-cancel"),
    path("runs/<number:pk>/retry", views.retry, name="run-retry"),
    path("runs/<number:pk>/delete", views.delete, name="run-delete"),
    path("runs/<number:pk>/status", views.status, name="run-status"),
]
