from django.urls import path

from webapp.auditing import views

urlpatterns = [
    path("runs/<number:pk>/audit", views.audit, name="run-audit"),
    path("runs/<number:pk>/audit/note", views.note, name="run-audit-note"),
    path("runs/<number:pk>/audit/answer", views.answer, name="run-audit-answer"),
]
