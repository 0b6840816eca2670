from django.urls import path

from webapp.labelling import figure_views, guideline_views, review_views, views, work_views

_JOB = "labelling/jobs/<number:pk>"
_PERSON = f"{_JOB}/people/<number:user>"
_ITEM = f"{_JOB}/pieces/<number:item>"
_WORK = "labelling/work/<number:pk>"

urlpatterns = [
    path("labelling", views.jobs, name="labelling"),
    path(_JOB, views.job, name="labelling-job"),
    path("labelling/make", views.make, name="labelling-make"),
    path(f"{_JOB}/next", views.next_work, name="labelling-next"),
    path(f"{_JOB}/people", views.invite, name="labelling-invite"),
    path(f"{_PERSON}/link", views.person_link, name="labelling-person-link"),
    path(f"{_PERSON}/remind", views.person_remind, name="labelling-person-remind"),
    path(f"{_PERSON}/remove", views.person_remove, name="labelling-person-remove"),
    path(f"{_ITEM}/give", views.part_give, name="labelling-part-give"),
    path(f"{_ITEM}/out", views.part_out, name="labelling-part-out"),
    path(f"{_ITEM}/back", views.part_back, name="labelling-part-back"),
    path(f"{_ITEM}/join", views.part_join, name="labelling-part-join"),
    path(f"{_JOB}/figures", figure_views.of_job, name="labelling-figures"),
    path(
        "projects/<number:pk>/labelling",
        figure_views.of_project,
        name="project-labelling-figures",
    ),
    path(f"{_JOB}/close", views.close, name="labelling-close"),
    path(f"{_JOB}/reopen", views.reopen, name="labelling-reopen"),
    path(f"{_JOB}/propose", views.propose, name="labelling-propose"),
    path(f"{_JOB}/ask-again", views.ask_again, name="labelling-ask-again"),
    path(f"{_JOB}/chores/<number:chore>/retry", views.chore_retry, name="labelling-chore-retry"),
    path("samples/<number:pk>/edit", work_views.edit_picture, name="sample-edit"),
    path(_WORK, work_views.page, name="labelling-work"),
    path(f"{_WORK}.json", work_views.data, name="labelling-data"),
    path(f"{_WORK}/frames/<number:number>.jpg", work_views.frame, name="labelling-frame"),
    path(f"{_WORK}/operations", work_views.operations, name="labelling-operations"),
    path(f"{_WORK}/seconds", work_views.seconds, name="labelling-seconds"),
    path(f"{_WORK}/finish", work_views.finish, name="labelling-finish"),
    path(f"{_WORK}/skip", work_views.skip, name="labelling-skip"),
    path(f"{_WORK}/give-back", work_views.give_back, name="labelling-give-back"),
    path(f"{_WORK}/history", work_views.history, name="labelling-history"),
    path(f"{_WORK}/history/<number:number>", work_views.document_at, name="labelling-document-at"),
    path(f"{_WORK}/restore", work_views.restore, name="labelling-restore"),
    path(f"{_WORK}/predict", work_views.predict, name="labelling-predict"),
    path("labelling/review", review_views.next_review, name="labelling-review"),
    path(f"{_JOB}/review", review_views.next_of_job, name="labelling-review-job"),
    path(f"{_JOB}/ask-for-review", review_views.ask_for_review, name="labelling-ask-for-review"),
    path(f"{_WORK}/review", review_views.begin, name="labelling-review-begin"),
    path(f"{_WORK}/review/accept", review_views.accept, name="labelling-review-accept"),
    path(f"{_WORK}/review/send-back", review_views.send_back, name="labelling-review-send-back"),
    path(f"{_WORK}/review/reassign", review_views.reassign, name="labelling-review-reassign"),
    path("labelling/reviews/<number:pk>/undo", review_views.undo, name="labelling-review-undo"),
    path(f"{_WORK}/remarks", review_views.remarks, name="labelling-remarks"),
    path("labelling/remarks/<number:pk>", review_views.remark, name="labelling-remark"),
    path("labels/<number:pk>/guideline", guideline_views.write, name="label-guideline"),
    path(
        "labels/<number:pk>/guideline/pictures",
        guideline_views.add_pictures,
        name="label-guide-pictures",
    ),
    path(
        "guide-pictures/<number:pk>/remove",
        guideline_views.remove_picture,
        name="guide-picture-remove",
    ),
    path(
        "guide-pictures/<number:pk>/back",
        guideline_views.bring_picture_back,
        name="guide-picture-back",
    ),
    path("labelling/predictions/<number:pk>", work_views.prediction, name="labelling-prediction"),
]
