from django.urls import path

from webapp.improving import views

urlpatterns = [
    path("models/<number:pk>/loop", views.loop, name="loop"),
    path("models/<number:pk>/loop/panel", views.panel, name="loop-panel"),
    path("models/<number:pk>/loop/begin", views.begin, name="loop-begin"),
    path("rounds/<number:pk>", views.round_, name="round"),
    path("rounds/<number:pk>/status", views.status, name="round-status"),
    path("rounds/<number:pk>/difference", views.difference_, name="round-difference"),
    path("rounds/<number:pk>/cancel", views.cancel, name="round-cancel"),
    path("rounds/<number:pk>/retry", views.retry, name="round-retry"),
    path("rounds/<number:pk>/accept", views.accept, name="round-accept"),
    path("rounds/<number:pk>/keep", views.keep, name="round-keep"),
    path("rounds/<number:pk>/roll-back", views.roll_back, name="round-roll-back"),
]
