from django.urls import path

from webapp.spaces import code_views, views

urlpatterns = [
    path("spaces", views.spaces, name="spaces"),
    path("spaces/make", views.make, name="space-make"),
    path("spaces/teach", views.teach, name="space-teach"),
    path("spaces/<number:pk>", code_views.space, name="space"),
    path("spaces/<number:pk>/serve", views.serve, name="space-serve"),
    path("spaces/<number:pk>/set-aside", views.set_aside, name="space-set-aside"),
    path("spaces/<number:pk>/delete", views.delete, name="space-delete"),
    path("space-makings/<number:pk>/<slug:do>", views.making_ask, name="space-making-ask"),
    path("space-trainings/<number:pk>", views.training, name="space-training"),
    path("space-trainings/<number:pk>/status", views.status, name="space-training-status"),
    path("space-trainings/<number:pk>/<slug:do>", views.training_ask, name="space-training-ask"),
    path("pair-sets", views.bring_pairs, name="pair-sets"),
    path("pair-sets/<number:pk>/delete", views.delete_pairs, name="pair-set-delete"),
    path("space-codes/<number:pk>", code_views.code, name="space-code"),
    path("space-codes/<number:pk>/rename", code_views.rename, name="space-code-rename"),
    path("space-codes/<number:pk>/mute", code_views.mute, name="space-code-mute"),
    path("space-codes/undo/<str:undo>", code_views.undo, name="space-code-undo"),
]
