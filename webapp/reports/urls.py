from django.urls import path

from webapp.reports import season_views, views

urlpatterns = [
    path("runs/<number:pk>/report", views.live, name="run-report"),
    path("runs/<number:pk>/report/issue", views.issue, name="report-issue"),
    path("runs/<number:pk>/files/<slug:kind>", views.run_file, name="run-file"),
    path("reports", views.reports, name="reports"),
    path("reports/<number:pk>", views.report, name="report"),
    path("reports/<number:pk>/delete", views.delete, name="report-delete"),
    path("reports/<number:pk>/files/<slug:kind>", views.report_file, name="report-file"),
    path("reports/<number:pk>/links", views.share, name="report-share"),
    path("reports/<number:pk>/reels", views.make_reel, name="report-reel"),
    path("share-links/<number:pk>/revoke", views.revoke, name="share-revoke"),
    path("share/<str:token>", views.shared, name="share"),
    path("share/<str:token>/labels/<number:label>/reel", views.shared_reel, name="share-reel"),
    path("share/<str:token>/files/<slug:kind>", views.shared_file, name="share-file"),
    path("compare", season_views.compare, name="compare"),
    path("compare/files/<slug:kind>", season_views.compare_file, name="compare-file"),
    path("methodology", views.methodology, name="methodology"),
]
