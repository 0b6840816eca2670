from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("webapp.home.urls")),
    path("", include("webapp.accounts.urls")),
    path("", include("webapp.assets.urls")),
    path("", include("webapp.project_pages.urls")),
    path("", include("webapp.datasets.urls")),
    path("", include("webapp.registry.urls")),
    path("", include("webapp.training.urls")),
    path("", include("webapp.runs.urls")),
    path("", include("webapp.labelling.urls")),
    path("", include("webapp.library.urls")),
    path("", include("webapp.timeline.urls")),
    path("", include("webapp.reports.urls")),
    path("api/v1/", include("webapp.api")),
    path("admin/", admin.site.urls),
]
