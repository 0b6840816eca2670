from django.urls import path

from webapp.datasets import exchange, synthesis_views, version_views, views

_VERSION = "datasets/<number:pk>/versions/<number:number>"

urlpatterns = [
    path("datasets/start", views.start, name="dataset-start"),
    path("projects/<number:pk>/datasets", views.datasets, name="datasets"),
    path("datasets/<number:pk>", views.dataset, name="dataset"),
    path("datasets/<number:pk>/settings", views.rename, name="dataset-settings"),
    path("datasets/<number:pk>/take", views.take, name="dataset-take"),
    path("datasets/<number:pk>/change", views.change, name="dataset-change"),
    path("datasets/<number:pk>/restore/<str:removed>", views.restore, name="dataset-restore"),
    path("datasets/<number:pk>/work", views.work, name="dataset-work"),
    path("datasets/<number:pk>/frames", views.frames, name="dataset-frames"),
    path("samples/<number:pk>", views.sample, name="sample"),
    path("datasets/<number:pk>/import", exchange.bring_in, name="dataset-import"),
    path("datasets/<number:pk>/export", exchange.take_out, name="dataset-export"),
    path("transfers/<number:pk>", exchange.report, name="dataset-transfer"),
    path("transfers/<number:pk>/begin", exchange.go_on, name="transfer-begin"),
    path("transfers/<number:pk>/file", exchange.download, name="transfer-file"),
    path("transfers/<number:pk>/<str:do>", views.work_change, name="transfer-change"),
    path("datasets/<number:pk>/synthesise", synthesis_views.synthesis, name="dataset-synthesis"),
    path("datasets/<number:pk>/logos", synthesis_views.logo_add, name="logo-file-add"),
    path("logo-files/<number:pk>/remove", synthesis_views.logo_remove, name="logo-file-remove"),
    path("transfers/<number:pk>/preview/pictures", synthesis_views.preview, name="dataset-preview"),
    path("datasets/<number:pk>/versions", version_views.versions, name="dataset-versions"),
    path(_VERSION, version_views.version, name="dataset-version"),
    path(f"{_VERSION}/errors", version_views.version_errors, name="dataset-version-errors"),
    path(f"{_VERSION}/file", version_views.version_file, name="dataset-version-file"),
    path(f"{_VERSION}/retry", version_views.version_retry, name="dataset-version-retry"),
]
