from django.urls import path

from webapp.sky import views

urlpatterns = [
    path("sky/beside", views.side_by_side, name="sky-beside"),
    path("sky/beside/chosen", views.beside_chosen, name="sky-beside-chosen"),
    path("assets/<number:pk>/sky/blocks/<str:mark>/<str:place>", views.block, name="sky-block"),
    path("assets/<number:pk>/sky/role", views.say_role, name="sky-role"),
    path("assets/<number:pk>/sky/extension", views.show_extension, name="sky-extension"),
]
