from django.urls import path

from webapp.search import views

urlpatterns = [
    path("search", views.search_page, name="search"),
    path("search/saved", views.save, name="search-save"),
    path("search/saved/<number:pk>", views.look, name="saved-search"),
    path("search/saved/<number:pk>/delete", views.delete, name="saved-search-delete"),
]
