from django.urls import path

from webapp.nights import candidate_views, export_views, queue_views, teaching_views, views

_ONE = "nights/<number:pk>/candidates/<number:number>"

urlpatterns = [
    path("review/candidates", queue_views.candidates, name="review-candidates"),
    path("review/candidates/next", queue_views.following, name="review-candidates-next"),
    path("nights", views.nights, name="nights"),
    path("nights/new", views.new, name="night-new"),
    path("nights/watch", views.watch, name="night-watch"),
    path("nights/teachings", teaching_views.teachings, name="sky-teachings"),
    path("nights/teachings/<number:pk>", teaching_views.teaching, name="sky-teaching"),
    path("nights/teachings/<number:pk>/status", teaching_views.status, name="sky-teaching-status"),
    path("nights/teachings/<number:pk>/do/<slug:do>", teaching_views.ask, name="sky-teaching-ask"),
    path("nights/<number:pk>/score", teaching_views.score_again, name="night-score"),
    path("nights/<number:pk>", views.night, name="night"),
    path("nights/<number:pk>/status", views.status, name="night-status"),
    path("nights/<number:pk>/delete", views.delete, name="night-delete"),
    path("nights/<number:pk>/do/<slug:do>", views.ask, name="night-ask"),
    path("nights/<number:pk>/report", export_views.report, name="night-report"),
    path("nights/<number:pk>/files/<slug:kind>", export_views.export, name="night-export"),
    path(_ONE, candidate_views.candidate, name="night-candidate"),
    path(f"{_ONE}/exposures", candidate_views.exposures, name="night-candidate-exposures"),
    path(f"{_ONE}/verdict", candidate_views.decide, name="night-decide"),
    path(f"{_ONE}/undo", candidate_views.take_back, name="night-take-back"),
]
