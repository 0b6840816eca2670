from django.urls import path

from webapp.explaining import views

urlpatterns = [
    path("runs/<number:pk>/why-mention", views.why_said, name="mention-why"),
    path("runs/<number:pk>/why/<int:box>", views.why, name="run-why"),
]
