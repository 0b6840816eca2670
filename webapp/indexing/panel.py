"""What the asset page shows of its speech: the version that is read, and how the newest stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from analysis.speech.languages import LANGUAGES
from webapp.assets.models import Asset
from webapp.indexing import transcript
from webapp.indexing.files import FILES
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import (
    languages,
    speech_engine,
    speech_engines,
    tracks_of,
    why_not,
)
from webapp.indexing.vocabulary import offered
from webapp.leases import Status
from webapp.projects.models import Project

_SPEECH = Indexing.Step.SPEECH
_VERSIONS = 20  # that are offered


@dataclass(frozen=True, slots=True)
class Panel:
    """`shown`: the version that is read. `latest`: the newest, where that one is not done.
    `why_not`: why no other can be asked for, "" where it can."""

    asset: Asset
    shown: Indexing | None
    latest: Indexing | None
    versions: list[Indexing]
    why_not: str
    engine: str

    @classmethod
    def of(cls, asset: Asset, version: str = "") -> Panel:
        if not tracks_of(asset):
            return cls(asset, None, None, [], why_not(asset, _SPEECH, engine=""), "")
        rows = Indexing.objects.filter(asset=asset, step=_SPEECH)
        versions = list(rows.order_by("-version")[:_VERSIONS])
        for row in versions:
            row.asset = asset
        latest = versions[0] if versions and versions[0].status != Status.DONE else None
        engine = speech_engine()
        refused = why_not(asset, _SPEECH, engine=engine)
        shown = cls._shown(asset, version) if versions else None
        return cls(asset, shown, latest, versions, refused, engine)

    @staticmethod
    def _shown(asset: Asset, version: str) -> Indexing | None:
        asked = transcript.shown(asset, version=version) if version else None
        return asked or transcript.shown(asset)

    @property
    def has_sound(self) -> bool:
        return bool(tracks_of(self.asset)) or self.asset.kind == Asset.Kind.AUDIO

    @property
    def dropped(self) -> list[dict[str, Any]]:
        return transcript.dropped(self.shown) if self.shown else []

    @property
    def remarks(self) -> list[str]:
        """What is to be known of what is read."""
        return self.shown.notes if self.shown and self.shown.speech_segments.exists() else []

    @property
    def n_edits(self) -> int:
        return transcript.n_edits(self.shown) if self.shown else 0

    @property
    def files(self) -> list[tuple[str, str]]:
        return [(kind, title) for kind, (title, _, _) in FILES.items()]

    @property
    def tracks(self) -> list[tuple[int, dict[str, Any]]]:
        """The sound tracks of a file that has several, for a person to choose from."""
        found = tracks_of(self.asset)
        return list(enumerate(found)) if len(found) > 1 else []

    @property
    def has_channels(self) -> bool:
        """Whether some track has several channels, which can be listened to alone."""
        return any(track.get("channels", 1) > 1 for track in tracks_of(self.asset))

    @property
    def projects(self) -> list[Project]:
        """Those whose names can be expected."""
        return offered(self.asset)

    @property
    def engines(self) -> list[tuple[str, str]]:
        """Key and title of those to choose from; none where there is only one."""
        found = list(speech_engines().items())
        return found if len(found) > 1 else []

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Those to choose from; none where there is only one."""
        known = languages()
        return [(code, LANGUAGES.get(code, code)) for code in known] if len(known) > 1 else []

    @property
    def language(self) -> str:
        """What is spoken in it, as a person says it."""
        code = self.shown.language if self.shown else ""
        return LANGUAGES.get(code, code)

    def for_scripts(self, *, may_edit: bool) -> dict[str, Any] | None:
        """What the modules of the page need to know of what is read."""
        if self.shown is None:
            return None
        pk = self.shown.pk
        return {
            "id": pk,
            "segments": transcript.done_segments(self.shown),
            "over": not self.shown.is_going_on,
            "language": self.shown.language,
            "mayEdit": may_edit,
            "urls": {
                "lines": reverse("indexing-lines", args=[pk]),
                "captions": reverse("indexing-captions", args=[pk]),
                "segments": reverse("indexing-segments", args=[pk]),
                "edit": reverse("indexing-edit-word", args=[pk]),
                "undo": reverse("word-edit-undo", args=[0]),
            },
        }
