from django.urls import path

from webapp.assets.media import media
from webapp.assets.tus import OneUpload, Uploads

urlpatterns = [
    path("uploads", Uploads.as_view(), name="uploads"),
    path("uploads/<uuid:pk>", OneUpload.as_view(), name="upload"),
    path("media/<path:token>", media, name="media"),
]
