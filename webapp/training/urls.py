from django.urls import path

from webapp.training import evaluations, versions, views

urlpatterns = [
    path("training", views.trainings, name="trainings"),
    path("training/new", views.new, name="training-new"),
    path("training/<int:pk>", views.training, name="training"),
    path("training/<int:pk>/status", views.status, name="training-status"),
    path("training/<int:pk>/stop", views.stop, name="training-stop"),
    path("training/<int:pk>/cancel", views.cancel, name="training-cancel"),
    path("training/<int:pk>/retry", views.retry, name="training-retry"),
    path("model-versions/<int:pk>", versions.version, name="model-version"),
    path("model-versions/<int:pk>/exports", versions.version_exports, name="model-version-exports"),
    path("model-exports/<int:pk>/cancel", versions.cancel_export, name="model-export-cancel"),
    path("model-versions/<int:pk>/delete", versions.delete_version, name="model-version-delete"),
    path("evaluations/new", evaluations.request_evaluation, name="evaluation-new"),
    path("evaluations/<int:pk>", evaluations.evaluation, name="evaluation"),
    path("evaluations/<int:pk>/status", evaluations.evaluation_status, name="evaluation-status"),
    path(
        "evaluations/<int:pk>/outcomes", evaluations.evaluation_outcomes, name="evaluation-outcomes"
    ),
    path("evaluations/<int:pk>/retry", evaluations.retry_evaluation, name="evaluation-retry"),
    path(
        "evaluations/<int:pk>/thresholds",
        evaluations.keep_thresholds,
        name="evaluation-thresholds",
    ),
    *(
        path(
            f"evaluations/<int:pk>/{kind}",
            evaluations.evaluation_file,
            {"kind": kind},
            name=f"evaluation-{kind}",
        )
        for kind in evaluations.DOWNLOADS
    ),
]
