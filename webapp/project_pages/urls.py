from django.urls import path

from webapp.project_pages import deleting, views

urlpatterns = [
    path("projects", views.projects, name="projects"),
    path("projects/<int:pk>", views.project, name="project"),
    path("projects/<int:pk>/name", views.rename, name="project-rename"),
    path("projects/<int:pk>/delete", deleting.project, name="project-delete"),
    path("datasets/<int:pk>/delete", deleting.dataset, name="dataset-delete"),
    path("projects/<int:pk>/looking", views.configure, name="project-looking"),
    path("projects/<int:pk>/labels", views.label_add, name="label-add"),
    path("projects/<int:pk>/labels/order", views.label_order, name="label-order"),
    path("projects/<int:pk>/labels/from-model", views.labels_of_model, name="labels-of-model"),
    path("projects/<int:pk>/runs", views.run_on_all, name="project-run"),
    path("projects/<int:pk>/assets", views.assets, name="project-assets"),
    path("labels/<int:pk>", views.label, name="label"),
    path("labels/<int:pk>/edit", views.label_edit, name="label-edit"),
    path("labels/<int:pk>/remove", views.label_remove, name="label-remove"),
    path("labels/<int:pk>/restore", views.label_restore, name="label-restore"),
    path("labels/<int:pk>/references", views.reference_add, name="reference-add"),
    path("references/<int:pk>/remove", views.reference_remove, name="reference-remove"),
    path(
        "labels/<int:pk>/references/restore/<str:undo>",
        views.reference_restore,
        name="reference-restore",
    ),
]
