from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save


class SearchConfig(AppConfig):
    name = "webapp.search"
    label = "search"

    def ready(self) -> None:
        from webapp.comments.comments import comment_changed
        from webapp.indexing.line_edits import line_changed
        from webapp.indexing.spotting import terms_spotted
        from webapp.indexing.word_edits import words_changed
        from webapp.projects.models import Label
        from webapp.reviewing.corrections import seen_otherwise
        from webapp.search import full_text, keeping

        post_migrate.connect(full_text.install, sender=self)
        post_save.connect(keeping.label_saved, sender=Label)
        words_changed.connect(keeping.words_changed)
        terms_spotted.connect(keeping.terms_spotted)
        line_changed.connect(keeping.line_changed)
        comment_changed.connect(keeping.comment_changed)
        seen_otherwise.connect(keeping.seen_otherwise)
