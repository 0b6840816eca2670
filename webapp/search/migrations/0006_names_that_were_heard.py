"""Sentences in which names were heard before these could be found by them are kept anew."""

from typing import Any

from django.db import migrations


def keep_anew(apps: Any, schema_editor: Any) -> None:
    sets, terms = apps.get_model("search", "PassageSet"), apps.get_model("indexing", "SpottedTerm")
    heard = terms.objects.order_by().values("spotting__indexing")
    sets.objects.filter(indexing__in=heard).update(version=0)  # the sweep finds them


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0005_comments_that_saved_searches_were_not_told_of"),
        ("indexing", "0008_encoders"),
    ]

    operations = [migrations.RunPython(keep_anew, migrations.RunPython.noop)]
