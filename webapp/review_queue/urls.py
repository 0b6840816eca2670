from django.urls import path

from webapp.review_queue import views

urlpatterns = [
    path("review", views.review, name="review"),
    path("review/work", views.work, name="review-work"),
]
