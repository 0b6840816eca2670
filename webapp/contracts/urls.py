from django.urls import path

from webapp.contracts import issued_views, views

urlpatterns = [
    path("contracts", views.contracts, name="contracts"),
    path("contracts/new", views.new, name="contract-new"),
    path("contracts/<number:pk>", views.contract, name="contract"),
    path("contracts/<number:pk>/edit", views.edit, name="contract-edit"),
    path("contracts/<number:pk>/remove", views.remove, name="contract-remove"),
    path("contracts/<number:pk>/restore", views.restore, name="contract-restore"),
    path("contracts/<number:pk>/files/<slug:kind>", views.file, name="contract-file"),
    path("contracts/<number:pk>/issue", issued_views.issue, name="contract-issue"),
    path("contract-reports/<number:pk>", issued_views.report, name="contract-report"),
    path(
        "contract-reports/<number:pk>/files/<slug:kind>",
        issued_views.report_file,
        name="contract-report-file",
    ),
    path(
        "contract-reports/<number:pk>/withdraw",
        issued_views.withdraw,
        name="contract-report-withdraw",
    ),
    path("contract-reports/<number:pk>/links", issued_views.share, name="contract-report-share"),
    path("contract-links/<number:pk>/revoke", issued_views.revoke, name="contract-link-revoke"),
    path("share/contract/<str:token>", issued_views.shared, name="shared-contract"),
    path(
        "share/contract/<str:token>/files/<slug:kind>",
        issued_views.shared_file,
        name="shared-contract-file",
    ),
]
