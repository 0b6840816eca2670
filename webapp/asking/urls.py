from django.urls import path

from webapp.asking import pages

urlpatterns = [
    path("search", pages.search_page, name="search"),
    path("search/why", pages.why, name="search-why"),
    path("search/alike", pages.alike, name="search-alike"),
    path("asks/<number:pk>/label", pages.name_it, name="ask-label"),
    path("search/judge", pages.judge, name="search-judge"),
    path("search/unjudge", pages.unjudge, name="search-unjudge"),
    path("assets/<number:pk>/ask", pages.ask_at, name="ask-at"),
    path("asks/<number:pk>/retry", pages.retry, name="ask-retry"),
    path("asks/<number:pk>/delete", pages.delete, name="ask-delete"),
]
