from django.urls import path

from webapp.runs import views

urlpatterns = [
    path("assets/<int:pk>/runs", views.start, name="run-start"),
    path("runs/<int:pk>/pause", views.pause, name="run-pause"),
    path("runs/<int:pk>/resume", views.resume, name="run-resume"),
    path("runs/<int:pk>/cancel", views.cancel, name="run-cancel"),
    path("runs/<int:pk>/retry", views.retry, name="run-retry"),
    path("runs/<int:pk>/delete", views.delete, name="run-delete"),
    path("runs/<int:pk>/status", views.status, name="run-status"),
]
