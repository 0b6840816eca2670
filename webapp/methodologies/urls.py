from django.urls import path

from webapp.methodologies import views

urlpatterns = [
    path("methodologies", views.methodologies, name="methodologies"),
    path("methodologies/new", views.new, name="methodology-new"),
    path("methodologies/<number:pk>", views.own, name="own-methodology"),
    path("methodologies/<number:pk>/archive", views.archive, name="methodology-archive"),
    path("methodologies/<number:pk>/unarchive", views.unarchive, name="methodology-unarchive"),
]
