from django.urls import path

from webapp.moments import views

urlpatterns = [
    path("assets/<number:pk>/outline", views.start, name="outline-start"),
    path("assets/<number:pk>/moments", views.panel, name="asset-moments"),
    path("assets/<number:pk>/flags", views.flag, name="asset-flag"),
    path("outlines/<number:pk>/do/<slug:do>", views.ask, name="outline-ask"),
    path("outlines/<number:pk>/chapters", views.chapters_track, name="outline-chapters"),
    path("outlines/<number:pk>/file/<slug:kind>", views.file, name="outline-file"),
    path("moments/<number:pk>/edit", views.edit, name="moment-edit"),
    path("moment-edits/<number:pk>/undo", views.undo_edit, name="moment-edit-undo"),
    path("flags/<number:pk>/undo", views.undo_flag, name="flag-undo"),
    path("feedback", views.timeline, name="feedback"),
    path("feedback.jsonl", views.timeline_file, name="feedback-file"),
]
