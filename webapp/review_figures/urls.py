from django.urls import path

from webapp.review_figures import views

urlpatterns = [
    path("review/figures", views.figures, name="review-figures"),
    path("review/figures/exposure", views.unusual, name="review-figures-exposure"),
]
