from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from webapp.accounts.models import Workspace
from webapp.search import full_text, keeping, vocabulary
from webapp.search.passages import PassageSet
from webapp.search.standing import SearchIndex


class Command(BaseCommand):
    help = "Make the search anew out of transcripts, texts and runs; vectors follow in a worker."

    def handle(self, *args: Any, **options: Any) -> None:
        for workspace in Workspace.objects.order_by("pk"):
            PassageSet.objects.filter(asset__workspace=workspace).update(version=0)
            n = 0
            while some := list(keeping.missing(workspace.pk)):
                for one in some:
                    keeping.make_findable(one)
                n += len(some)
                self.stdout.write(f"{workspace}: {n} indexings and runs", ending="\r")
            index = SearchIndex.objects.request(workspace)
            vocabulary.recount(index)
            self.stdout.write(f"{workspace}: {n} indexings and runs can be searched")
        full_text.rebuild()
