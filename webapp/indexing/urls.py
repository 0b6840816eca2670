from django.urls import path

from webapp.indexing import comparing, listening, speaker_views, views, vocabulary

urlpatterns = [
    path("assets/<number:pk>/index", views.start, name="asset-index"),
    path("assets/<number:pk>/listen", vocabulary.listen, name="asset-listen"),
    path("assets/<number:pk>/word-errors", comparing.compare, name="asset-word-errors"),
    path("indexings/<number:pk>/status", views.status, name="indexing-status"),
    path("indexings/<number:pk>/segments", views.segments, name="indexing-segments"),
    path("indexings/<number:pk>/lines", views.lines, name="indexing-lines"),
    path("indexings/<number:pk>/regions", views.regions, name="indexing-regions"),
    path("indexings/<number:pk>/captions", views.captions, name="indexing-captions"),
    path("indexings/<number:pk>/file/<slug:kind>", views.file, name="indexing-file"),
    path("indexings/<number:pk>/words", views.edit_word, name="indexing-edit-word"),
    path("indexings/<number:pk>/delete", views.delete, name="indexing-delete"),
    path("indexings/<number:pk>/restore", views.restore, name="indexing-restore"),
    path("indexings/<number:pk>/do/<slug:do>", views.ask, name="indexing-ask"),
    path("spottings/<number:pk>/status", listening.status, name="spotting-status"),
    path("spottings/<number:pk>/do/<slug:do>", listening.ask, name="spotting-ask"),
    path("word-edits/<number:pk>/undo", views.undo_edit, name="word-edit-undo"),
    path("indexings/<number:pk>/line", views.edit_line, name="indexing-edit-line"),
    path("line-edits/<number:pk>/undo", views.undo_line_edit, name="line-edit-undo"),
    path("voices/<number:pk>/name", speaker_views.name, name="voice-name"),
    path("voices/<number:pk>/merge", speaker_views.merge, name="voice-merge"),
    path("speaker-turns/<number:pk>/move", speaker_views.move, name="speaker-turn-move"),
    path("speaker-edits/<number:pk>/undo", speaker_views.undo, name="speaker-edit-undo"),
    path("speakers/<number:pk>/forget", speaker_views.forget, name="speaker-forget"),
    path("settings/indexing", views.settings, name="indexing-settings"),
]
