from django.urls import path

from webapp.new_brands import views

urlpatterns = [
    path("projects/<number:pk>/new-brands", views.new_brands, name="new-brands"),
    path("projects/<number:pk>/new-brands/gather", views.gather, name="new-brands-gather"),
    path("new-brands/<number:pk>/decide", views.decide, name="new-brand-decide"),
    path("novelty-work/<number:pk>/cancel", views.cancel, name="novelty-work-cancel"),
    path("runs/<number:pk>/keep-regions", views.keep, name="run-keep-regions"),
    path("labels/<number:pk>/past", views.past, name="label-past"),
    path("labels/<number:pk>/past/review", views.review_past, name="label-past-review"),
]
