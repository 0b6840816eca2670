from django.urls import path

from webapp.home import views

urlpatterns = [
    path("", views.home, name="home"),
    path("settings/system", views.system, name="system"),
    path("healthz", views.health, name="health"),
]
