from django.urls import path

from webapp.training import evaluations, starting, versions, views

urlpatterns = [
    path("training", views.trainings, name="trainings"),
    path("training/new", views.new, name="training-new"),
    path("training/expected", starting.expectation, name="training-expected"),
    path("training/weights", starting.weights, name="training-weights"),
    path("training/weights/give", starting.give_weights, name="training-weights-give"),
    path("training/<number:pk>", views.training, name="training"),
    path("training/<number:pk>/status", views.status, name="training-status"),
    path("training/<number:pk>/stop", views.stop, name="training-stop"),
    path("training/<number:pk>/cancel", views.cancel, name="training-cancel"),
    path("training/<number:pk>/retry", views.retry, name="training-retry"),
    path("model-versions/<number:pk>", versions.version, name="model-version"),
    path(
        "model-versions/<number:pk>/exports", versions.version_exports, name="model-version-exports"
    ),
    path("model-exports/<number:pk>/cancel", versions.cancel_export, name="model-export-cancel"),
    path("model-versions/<number:pk>/delete", versions.delete_version, name="model-version-delete"),
    path("evaluations/new", evaluations.request_evaluation, name="evaluation-new"),
    path("evaluations/<number:pk>", evaluations.evaluation, name="evaluation"),
    path("evaluations/<number:pk>/status", evaluations.evaluation_status, name="evaluation-status"),
    path(
        "evaluations/<number:pk>/outcomes",
        evaluations.evaluation_outcomes,
        name="evaluation-outcomes",
    ),
    path("evaluations/<number:pk>/retry", evaluations.retry_evaluation, name="evaluation-retry"),
    path(
        "evaluations/<number:pk>/thresholds",
        evaluations.keep_thresholds,
        name="evaluation-thresholds",
    ),
    *(
        path(
            f"evaluations/<number:pk>/{kind}",
            evaluations.evaluation_file,
            {"kind": kind},
            name=f"evaluation-{kind}",
        )
        for kind in evaluations.DOWNLOADS
    ),
]
