from django.urls import path

from webapp.asking import job_views, pages

urlpatterns = [
    path("search", pages.search_page, name="search"),
    path("search/why", pages.why, name="search-why"),
    path("search/alike", pages.alike, name="search-alike"),
    path("asks/<number:pk>/label", pages.name_it, name="ask-label"),
    path("search/judge", pages.judge, name="search-judge"),
    path("search/unjudge", pages.unjudge, name="search-unjudge"),
    path("assets/<number:pk>/ask", pages.ask_at, name="ask-at"),
    path("labelling/jobs/<number:pk>/findings", job_views.findings, name="job-findings"),
    path("labelling/jobs/<number:pk>/find-all", job_views.find_all, name="job-find-all"),
    path(
        "labelling/jobs/<number:pk>/findings/<number:finding>/cancel",
        job_views.cancel,
        name="job-finding-cancel",
    ),
    path(
        "labelling/jobs/<number:pk>/findings/<number:finding>/retry",
        job_views.retry,
        name="job-finding-retry",
    ),
    path("asks/<number:pk>/retry", pages.retry, name="ask-retry"),
    path("asks/<number:pk>/delete", pages.delete, name="ask-delete"),
]
