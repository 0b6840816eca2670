from django.urls import path

from webapp.comments import views

urlpatterns = [
    path("assets/<number:pk>/comments", views.of_asset, name="asset-comments"),
    path("comments/<number:pk>", views.comment, name="comment"),
    path("comments/<number:pk>/edit", views.edit, name="comment-edit"),
    path("comments/<number:pk>/do/<slug:do>", views.act, name="comment-act"),
    path("comments/<number:pk>/react", views.reaction, name="comment-react"),
]
