from django.contrib import admin
from django.urls import include, path

from webapp import ids as ids  # so that addresses know <number:pk>
from webapp.accounts.views import operators_sign_in

urlpatterns = [
    path("", include("webapp.home.urls")),
    path("", include("webapp.accounts.urls")),
    path("", include("webapp.assets.urls")),
    path("", include("webapp.sky.urls")),
    path("", include("webapp.project_pages.urls")),
    path("", include("webapp.datasets.urls")),
    path("", include("webapp.registry.urls")),
    path("", include("webapp.training.urls")),
    path("", include("webapp.runs.urls")),
    path("", include("webapp.indexing.urls")),
    path("", include("webapp.moments.urls")),
    path("", include("webapp.comments.urls")),
    path("", include("webapp.labelling.urls")),
    path("", include("webapp.library.urls")),
    path("", include("webapp.search.urls")),
    path("", include("webapp.spaces.urls")),
    path("", include("webapp.nights.urls")),
    path("", include("webapp.asking.urls")),
    path("", include("webapp.timeline.urls")),
    path("", include("webapp.auditing.urls")),
    path("", include("webapp.review_queue.urls")),
    path("", include("webapp.explaining.urls")),
    path("", include("webapp.improving.urls")),
    path("", include("webapp.new_brands.urls")),
    path("", include("webapp.cuts.urls")),
    path("", include("webapp.graph.urls")),
    path("", include("webapp.reports.urls")),
    path("", include("webapp.review_figures.urls")),
    path("", include("webapp.contracts.urls")),
    path("", include("webapp.methodologies.urls")),
    path("api/v1/", include("webapp.api")),
    path("admin/login/", operators_sign_in),
    path("admin/", admin.site.urls),
]

handler400 = "webapp.problems.bad_request"
handler404 = "webapp.problems.not_found"
handler500 = "webapp.problems.server_error"
