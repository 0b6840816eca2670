from django.urls import path

from webapp.cuts import views, watching

urlpatterns = [
    path("cuts", views.cuts, name="cuts"),
    path("cuts/add", views.add, name="cut-add"),
    path("cuts/from-search", views.from_search, name="cut-from-search"),
    path("assets/<number:pk>/cut", views.personal, name="asset-cut"),
    path("labels/<number:pk>/reel", views.label_reel, name="label-reel"),
    path("cuts/<number:pk>", views.cut, name="cut"),
    path("cuts/<number:pk>/rename", views.rename, name="cut-rename"),
    path("cuts/<number:pk>/delete", views.delete, name="cut-delete"),
    path("cuts/<number:pk>/restore", views.restore, name="cut-restore"),
    path("cuts/<number:pk>/clips", views.clips, name="cut-clips"),
    path("cuts/<number:pk>/render", views.start, name="cut-render"),
    path("cuts/<number:pk>/rendering", views.rendering, name="cut-rendering"),
    path("cuts/<number:pk>/film.mp4", views.film, name="cut-film"),
    path("cuts/<number:pk>/list.<slug:kind>", views.edit_list, name="cut-list"),
    path("cuts/<number:pk>/share", views.share, name="cut-share"),
    path("cut-clips/<number:pk>/edit", views.edit, name="cut-clip-edit"),
    path("cut-clips/<number:pk>/remove", views.remove_clip, name="cut-clip-remove"),
    path("cut-clips/<number:pk>/restore", views.restore_clip, name="cut-clip-restore"),
    path("cut-renderings/<number:pk>/<slug:do>", views.ask, name="cut-rendering-ask"),
    path("cut-links/<number:pk>/revoke", views.revoke, name="cut-link-revoke"),
    path("watch/<str:token>", watching.watch, name="watch"),
    path("watch/<str:token>/film.mp4", watching.film, name="watch-film"),
]
