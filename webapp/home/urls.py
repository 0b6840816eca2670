from django.urls import path

from webapp.home import guide, inbox, views

urlpatterns = [
    path("", views.home, name="home"),
    path("dismiss", views.dismiss, name="dismiss"),
    path("dismissals/<number:pk>/undo", views.undo_dismissal, name="dismissal-undo"),
    path("tour/evidence", views.tour_evidence, name="tour-evidence"),
    path("tour/words", views.tour_words, name="tour-words"),
    path("inbox", inbox.inbox, name="inbox"),
    path("inbox/seen", inbox.all_seen, name="inbox-seen"),
    path("guide", guide.guide, name="guide"),
    path("guide/<slug:person>", guide.guide, name="guide-page"),
    path("settings/system", views.system, name="system"),
    path("healthz", views.health, name="health"),
]
