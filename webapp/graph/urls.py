from django.urls import path

from webapp.graph import views

urlpatterns = [
    path("graph", views.graph, name="graph-of-all"),
    path("graph/moments", views.moments, name="graph-of-all-moments"),
    path("graph/file/<slug:kind>", views.file, name="graph-of-all-file"),
    path("projects/<number:pk>/graph", views.graph, name="graph"),
    path("projects/<number:pk>/graph/moments", views.moments, name="graph-moments"),
    path("projects/<number:pk>/graph/file/<slug:kind>", views.file, name="graph-file"),
]
