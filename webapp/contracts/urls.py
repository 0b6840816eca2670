from django.urls import path

from webapp.contracts import views

urlpatterns = [
    path("contracts", views.contracts, name="contracts"),
    path("contracts/new", views.new, name="contract-new"),
    path("contracts/<number:pk>", views.contract, name="contract"),
    path("contracts/<number:pk>/edit", views.edit, name="contract-edit"),
    path("contracts/<number:pk>/remove", views.remove, name="contract-remove"),
    path("contracts/<number:pk>/restore", views.restore, name="contract-restore"),
    path("contracts/<number:pk>/files/<slug:kind>", views.file, name="contract-file"),
]
