from django.urls import path

from webapp.datasets import views

urlpatterns = [
    path("projects/<int:pk>/datasets", views.datasets, name="datasets"),
    path("datasets/<int:pk>", views.dataset, name="dataset"),
    path("datasets/<int:pk>/versions/<int:number>", views.version, name="dataset-version"),
]
