from django.urls import path

from webapp.library import days, views

urlpatterns = [
    path("library", views.library, name="library"),
    path("library/days", days.film_days, name="film-days"),
    path("library/days/say", days.say, name="film-days-say"),
    path("library/delete", views.delete_chosen, name="assets-delete"),
    path("library/restore", views.restore_chosen, name="assets-restore"),
    path("library/move", views.move_chosen, name="assets-move"),
    path("library/analyse", views.analyse_chosen, name="assets-analyse"),
    path("library/index", views.index_chosen, name="assets-index"),
    path("library/compare", views.compare_chosen, name="assets-compare"),
    path("library/frames", views.frames_of_chosen, name="assets-frames"),
    path("library/label", views.label_chosen, name="assets-label"),
    path("assets/<number:pk>/delete", views.delete, name="asset-delete"),
    path("assets/<number:pk>/rename", views.rename, name="asset-rename"),
    path("assets/<number:pk>/retry", views.retry, name="asset-retry"),
    path("assets/<number:pk>/status", views.status, name="asset-status"),
    path("collections", views.collections, name="collections"),
    path("collections/<number:pk>/rename", views.rename_collection, name="collection-rename"),
    path("collections/<number:pk>/delete", views.delete_collection, name="collection-delete"),
    path("uploads/<uuid:pk>/discard", views.discard_upload, name="upload-discard"),
]
