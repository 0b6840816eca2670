from django.urls import path

from webapp.timeline import views

urlpatterns = [
    path("assets/<number:pk>", views.asset, name="asset"),
    path("assets/<number:pk>/head", views.asset_head, name="asset-head"),
    path("assets/<number:pk>/link.json", views.asset_link, name="asset-link"),
    path("runs/<number:pk>/view.json", views.view, name="run-view"),
    path("runs/<number:pk>/boxes/<number:index>.json", views.boxes, name="run-boxes"),
    path("runs/<number:pk>/sprites/<number:index>.jpg", views.sprite, name="run-sprite"),
    path("runs/<number:pk>/episodes", views.episodes, name="run-episodes"),
    path("runs/<number:pk>/minutes", views.minutes, name="run-minutes"),
    path("runs/<number:pk>/frame.jpg", views.frame_picture, name="run-frame-picture"),
    path("runs/<number:pk>/frame.json", views.frame_analysis, name="run-frame-analysis"),
]
