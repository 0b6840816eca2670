"""A cut rendered as one film: asked for, made by a worker, replaced by the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

from django.db import models, transaction

from webapp import erasing, jobs
from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import ERASING, Asset
from webapp.cuts.cut import Cut, CutClip
from webapp.leases import Leased, LeasedQuerySet, Piece, Status, about_left_s
from webapp.stored_files import StoredFile

# What a cut can be rendered as, by the ending of its file.
ENDINGS = {"mp4": "MP4, a film", "m4a": "M4A, the sound", "mp3": "MP3, the sound"}


def usual_ending(clips: Iterable[CutClip]) -> str:
    """A film where any of them has pictures."""
    kinds = {clip.asset.kind for clip in clips if clip.asset is not None}
    return "m4a" if kinds == {Asset.Kind.AUDIO} else "mp4"


class RenderingQuerySet(LeasedQuerySet["Rendering"]):
    @transaction.atomic
    def request(self, cut: Cut, *, by: User | None, ending: str = "") -> Rendering:
        """Have a worker render the cut as it is now, as a film or its sound alone: as what fits it
        unless `ending` says. Raises Refused."""
        if self.unfinished().filter(cut=cut).exists():
            raise Refused("This cut is being rendered already.")
        clips = [clip for clip in cut.standing() if clip.asset is not None]
        there = [clip for clip in clips if not clip.is_gone]
        if not there:
            raise Refused(
                "There is nothing to render: every film of this cut was deleted."
                if cut.standing().exists()
                else "There is nothing to render: this cut has no clips."
            )
        ending = ending or usual_ending(there)
        if ending not in ENDINGS:
            raise Refused(f"A cut is rendered as {', '.join(ENDINGS)}, not as “{ending[:20]}”.")
        frozen = [
            {"asset": clip.asset_id, "start_s": clip.start_s, "end_s": clip.end_s}
            | {"title": clip.title, "name": clip.asset_name}
            for clip in there
        ]
        about = {"title": cut.title, "fingerprint": cut.fingerprint, "ending": ending}
        row = self.create(cut=cut, requested_by=by, clips=frozen, **about)
        row.assets.set({clip.asset_id for clip in there if clip.asset_id})
        Event.record(cut.workspace, by, "had a cut rendered", cut.title, cut=cut.pk)
        jobs.ring(row)
        return row

    def open(self) -> Self:
        return self.claimable().filter(cut__removed=None)

    def newest(self, cut: Cut) -> Rendering | None:
        return self.filter(cut=cut).order_by("-pk").first()

    def done(self, cut: Cut) -> Rendering | None:
        """The newest that can be had: none that shows a film which was deleted."""
        rows = self.filter(cut=cut, status=Status.DONE).exclude(file="").order_by("-pk")
        found = rows.first()
        return found if found is not None and not found.shows_the_deleted else None


class Rendering(Leased):
    """`clips`: what of which asset, as it was when it was asked for. Those of films that were
    deleted until it is their turn are left out, and `left_out` names them."""

    WORKSPACE = "cut__workspace"
    PIECE = Piece("render_cut", "batch", "renderings of cuts")

    cut = models.ForeignKey(Cut, models.CASCADE, related_name="renderings")
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    title = models.CharField(max_length=120)
    clips: Any = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=16)
    ending = models.CharField(max_length=3, default="mp4", choices=list(ENDINGS.items()))
    assets = models.ManyToManyField(Asset, related_name="renderings_of_cuts")
    is_cancelled = models.BooleanField(default=False)
    progress = models.FloatField(default=0)  # 0 to 1
    created = models.DateTimeField(auto_now_add=True)

    file = StoredFile(blank=True)
    size_bytes = models.BigIntegerField(default=0)
    duration_s = models.FloatField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    frame_rate = models.FloatField(default=0)
    chapters: Any = models.JSONField(default=list, blank=True)  # [{title, start_s, end_s}]
    left_out: Any = models.JSONField(default=list, blank=True)  # names of deleted films

    objects: ClassVar[Any] = RenderingQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"rendering of {self.cut}"

    @property
    def is_film(self) -> bool:
        """Or sound alone."""
        return self.ending == "mp4"

    @property
    def is_going_on(self) -> bool:
        return not self.is_over

    @property
    def state(self) -> str:
        """One word for programs: waiting, working, done, failed or cancelled."""
        return "cancelled" if self.status == Status.FAILED and self.is_cancelled else self.status

    @property
    def remaining_s(self) -> float | None:
        return about_left_s(self, self.progress)

    @property
    def shows_the_deleted(self) -> bool:
        """Whether a film was deleted of which pictures are in it."""
        shown = Asset.everything.filter(renderings_of_cuts=self)
        return shown.exclude(removed=None).exists()

    def is_wanted(self) -> bool:
        return Cut.objects.filter(pk=self.cut_id).exists()

    def replace_older(self) -> None:
        """Erase what was rendered of the cut before this."""
        older = Rendering.objects.filter(cut=self.cut_id, pk__lt=self.pk)
        erasing.delete(older.exclude(status__in=(Status.WAITING, Status.WORKING)))


def erase_what_shows(asset: Asset, tick: Callable[[], None]) -> None:
    """The pictures of an asset go with it, wherever they were cut into."""
    erasing.erase(Rendering.objects.filter(assets=asset), tick)


ERASING.append(erase_what_shows)
