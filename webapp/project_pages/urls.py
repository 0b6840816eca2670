from django.urls import path

from webapp.project_pages import deleting, taking, views

urlpatterns = [
    path("projects", views.projects, name="projects"),
    path("projects/<number:pk>", views.project, name="project"),
    path("projects/<number:pk>/name", views.rename, name="project-rename"),
    path("projects/<number:pk>/delete", deleting.project, name="project-delete"),
    path("datasets/<number:pk>/delete", deleting.dataset, name="dataset-delete"),
    path("projects/<number:pk>/looking", views.configure, name="project-looking"),
    path("projects/<number:pk>/reviewed", views.ask_for_review, name="project-reviewed"),
    path("projects/<number:pk>/labels", views.label_add, name="label-add"),
    path("projects/<number:pk>/labels/order", views.label_order, name="label-order"),
    path("projects/<number:pk>/labels/from-model", views.labels_of_model, name="labels-of-model"),
    path("projects/<number:pk>/runs", views.run_on_all, name="project-run"),
    path("projects/<number:pk>/assets", views.assets, name="project-assets"),
    path("labels/<number:pk>", views.label, name="label"),
    path("labels/<number:pk>/edit", views.label_edit, name="label-edit"),
    path("labels/<number:pk>/remove", views.label_remove, name="label-remove"),
    path("labels/<number:pk>/restore", views.label_restore, name="label-restore"),
    path("labels/<number:pk>/references", views.reference_add, name="reference-add"),
    path("labels/<number:pk>/references/labelled", taking.labelled, name="references-labelled"),
    path("labels/<number:pk>/references/take", taking.take, name="references-take"),
    path("references/<number:pk>/remove", views.reference_remove, name="reference-remove"),
    path(
        "labels/<number:pk>/references/restore/<str:undo>",
        views.reference_restore,
        name="reference-restore",
    ),
]
