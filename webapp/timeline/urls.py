from django.urls import path

from webapp.timeline import views

urlpatterns = [
    path("assets/<int:pk>", views.asset, name="asset"),
    path("assets/<int:pk>/head", views.asset_head, name="asset-head"),
    path("assets/<int:pk>/link.json", views.asset_link, name="asset-link"),
    path("runs/<int:pk>/view.json", views.view, name="run-view"),
    path("runs/<int:pk>/boxes/<int:index>.json", views.boxes, name="run-boxes"),
    path("runs/<int:pk>/sprites/<int:index>.jpg", views.sprite, name="run-sprite"),
    path("runs/<int:pk>/episodes", views.episodes, name="run-episodes"),
    path("runs/<int:pk>/minutes", views.minutes, name="run-minutes"),
    path("runs/<int:pk>/frame.jpg", views.frame_picture, name="run-frame-picture"),
    path("runs/<int:pk>/frame.json", views.frame_analysis, name="run-frame-analysis"),
]
