"""The routes of /api/v1/."""

urlpatterns: list = []
