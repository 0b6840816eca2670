from django.urls import path

from webapp.reports import views

urlpatterns = [
    path("runs/<int:pk>/report", views.live, name="run-report"),
    path("runs/<int:pk>/report/issue", views.issue, name="report-issue"),
    path("runs/<int:pk>/files/<slug:kind>", views.run_file, name="run-file"),
    path("reports", views.reports, name="reports"),
    path("reports/<int:pk>", views.report, name="report"),
    path("reports/<int:pk>/delete", views.delete, name="report-delete"),
    path("reports/<int:pk>/files/<slug:kind>", views.report_file, name="report-file"),
    path("reports/<int:pk>/links", views.share, name="report-share"),
    path("share-links/<int:pk>/revoke", views.revoke, name="share-revoke"),
    path("share/<str:token>", views.shared, name="share"),
    path("share/<str:token>/files/<slug:kind>", views.shared_file, name="share-file"),
    path("compare", views.compare, name="compare"),
    path("methodology", views.methodology, name="methodology"),
]
