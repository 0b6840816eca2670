from django.urls import path

from webapp.labeling import views, work_views

_WORK = "labelling/work/<int:pk>"

urlpatterns = [
    path("labelling", views.jobs, name="labelling"),
    path("labelling/jobs/<int:pk>", views.job, name="labelling-job"),
    path("labelling/jobs/<int:pk>/next", views.next_work, name="labelling-next"),
    path(_WORK, work_views.page, name="labelling-work"),
    path(f"{_WORK}.json", work_views.data, name="labelling-data"),
    path(f"{_WORK}/frames/<int:number>.jpg", work_views.frame, name="labelling-frame"),
    path(f"{_WORK}/operations", work_views.operations, name="labelling-operations"),
    path(f"{_WORK}/seconds", work_views.seconds, name="labelling-seconds"),
    path(f"{_WORK}/finish", work_views.finish, name="labelling-finish"),
    path(f"{_WORK}/skip", work_views.skip, name="labelling-skip"),
    path(f"{_WORK}/give-back", work_views.give_back, name="labelling-give-back"),
    path(f"{_WORK}/history", work_views.history, name="labelling-history"),
    path(f"{_WORK}/history/<int:number>", work_views.document_at, name="labelling-document-at"),
    path(f"{_WORK}/restore", work_views.restore, name="labelling-restore"),
    path(f"{_WORK}/predict", work_views.predict, name="labelling-predict"),
    path("labelling/predictions/<int:pk>", work_views.prediction, name="labelling-prediction"),
]
