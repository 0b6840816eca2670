from django.urls import path

from webapp.datasets import exchange, synthesis_views, version_views, views

_VERSION = "datasets/<int:pk>/versions/<int:number>"

urlpatterns = [
    path("datasets/start", views.start, name="dataset-start"),
    path("projects/<int:pk>/datasets", views.datasets, name="datasets"),
    path("datasets/<int:pk>", views.dataset, name="dataset"),
    path("datasets/<int:pk>/settings", views.rename, name="dataset-settings"),
    path("datasets/<int:pk>/take", views.take, name="dataset-take"),
    path("datasets/<int:pk>/change", views.change, name="dataset-change"),
    path("datasets/<int:pk>/restore/<str:removed>", views.restore, name="dataset-restore"),
    path("datasets/<int:pk>/work", views.work, name="dataset-work"),
    path("datasets/<int:pk>/frames", views.frames, name="dataset-frames"),
    path("samples/<int:pk>", views.sample, name="sample"),
    path("datasets/<int:pk>/import", exchange.bring_in, name="dataset-import"),
    path("datasets/<int:pk>/export", exchange.take_out, name="dataset-export"),
    path("transfers/<int:pk>", exchange.report, name="dataset-transfer"),
    path("transfers/<int:pk>/begin", exchange.go_on, name="transfer-begin"),
    path("transfers/<int:pk>/file", exchange.download, name="transfer-file"),
    path("transfers/<int:pk>/<str:do>", views.work_change, name="transfer-change"),
    path("datasets/<int:pk>/synthesise", synthesis_views.synthesis, name="dataset-synthesis"),
    path("datasets/<int:pk>/logos", synthesis_views.logo_add, name="logo-file-add"),
    path("logo-files/<int:pk>/remove", synthesis_views.logo_remove, name="logo-file-remove"),
    path("transfers/<int:pk>/preview/pictures", synthesis_views.preview, name="dataset-preview"),
    path("datasets/<int:pk>/versions", version_views.versions, name="dataset-versions"),
    path(_VERSION, version_views.version, name="dataset-version"),
    path(f"{_VERSION}/errors", version_views.version_errors, name="dataset-version-errors"),
    path(f"{_VERSION}/file", version_views.version_file, name="dataset-version-file"),
    path(f"{_VERSION}/retry", version_views.version_retry, name="dataset-version-retry"),
]
