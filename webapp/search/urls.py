from django.urls import path

from webapp.search import library_views, views

urlpatterns = [
    path("labels/<number:pk>/mentions", library_views.mentions, name="label-mentions"),
    path(
        "labels/<number:pk>/mentions.csv", library_views.mentions_file, name="label-mentions-file"
    ),
    path("search/saved", views.save, name="search-save"),
    path("search/saved/<number:pk>", views.look, name="saved-search"),
    path("search/saved/<number:pk>/delete", views.delete, name="saved-search-delete"),
]
