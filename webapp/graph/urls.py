from django.urls import path

from webapp.graph import views

urlpatterns = [
    path("projects/<number:pk>/graph", views.graph, name="graph"),
    path("projects/<number:pk>/graph/moments", views.moments, name="graph-moments"),
    path("projects/<number:pk>/graph/file/<slug:kind>", views.file, name="graph-file"),
]
