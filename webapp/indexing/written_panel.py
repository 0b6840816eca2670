"""What the asset page shows of its writing: the version that is read, and how the newest stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse

from analysis.reading.languages import DEFAULT, LANGUAGES
from webapp.assets.models import Asset
from webapp.indexing.files import WRITTEN_FILES
from webapp.indexing.indexing import Indexing
from webapp.indexing.reading_languages import ReadingLanguages
from webapp.indexing.refusals import has_what_it_needs, why_not
from webapp.indexing.transcript import shown
from webapp.indexing.written import looked_at
from webapp.leases import Status

_TEXT = Indexing.Step.TEXT
_VERSIONS = 20  # that are offered


@dataclass(frozen=True)
class WrittenPanel:
    """`shown`: the version that is read. `latest`: the newest, where that one is not done.
    `why_not`: why no other can be asked for, "" where it can."""

    asset: Asset
    shown: Indexing | None
    latest: Indexing | None
    versions: list[Indexing]
    why_not: str
    engine: str

    @classmethod
    def of(
        cls, asset: Asset, newest: list[Indexing], engine: str, version: str = ""
    ) -> WrittenPanel:
        """newest: its versions, the newest first. engine: what would read, "" for none."""
        if not has_what_it_needs(asset, _TEXT):
            return cls(asset, None, None, [], "", "")
        versions = newest[:_VERSIONS]
        latest = versions[0] if versions and versions[0].status != Status.DONE else None
        is_going_on = any(row.is_going_on for row in versions)
        refused = why_not(asset, _TEXT, engine=engine, is_going_on=is_going_on)
        asked = shown(asset, _TEXT, version) if version and versions else None
        read = asked or (shown(asset, _TEXT) if versions else None)
        return cls(asset, read, latest, versions, refused, engine)

    @property
    def has_picture(self) -> bool:
        return has_what_it_needs(self.asset, _TEXT)

    @property
    def files(self) -> list[tuple[str, str]]:
        return [(kind, title) for kind, (title, _, _) in WRITTEN_FILES.items()]

    @cached_property
    def languages(self) -> ReadingLanguages:
        """Those to choose from. What is read again is read for the same, unless asked otherwise."""
        options = self.shown.options if self.shown else {}
        return ReadingLanguages.offered(
            options.get("language") or self.asset.workspace.text_language
        )

    @property
    def named_versions(self) -> list[tuple[Indexing, str]]:
        """The versions, and for which language each was read, where that differs."""
        read_for = [row.options.get("language") or DEFAULT for row in self.versions]
        titles = {**LANGUAGES, DEFAULT: "as packaged"}
        names = [titles.get(key, key) if len(set(read_for)) > 1 else "" for key in read_for]
        return list(zip(self.versions, names, strict=True))

    @cached_property
    def looks(self) -> dict[str, int]:
        return looked_at(self.shown) if self.shown else {"sampled": 0, "read": 0}

    def for_scripts(self, *, may_edit: bool) -> dict[str, Any] | None:
        """What the module of the page needs to know of what is read."""
        if self.shown is None:
            return None
        is_over = not self.shown.is_going_on
        return {
            "id": self.shown.pk,
            "over": is_over,
            "mayEdit": may_edit and is_over,
            "lines": reverse("indexing-regions", args=[self.shown.pk]),
            "edit": reverse("indexing-edit-line", args=[self.shown.pk]),
            "undo": reverse("line-edit-undo", args=[0]),
        }
