"""Words listened for in the sound itself, where a transcript has others: asked for, and found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import Q
from django.dispatch import Signal

from webapp import jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import NO_ENGINE, speech_engine
from webapp.leases import UNFINISHED, Leased, LeasedQuerySet, Piece, Status
from webapp.runs.workers import batch_says

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from webapp.indexing.transcript import PlacedWord

# indexing, found: names that were just heard in what the transcript was made of
terms_spotted = Signal()

MOST_TERMS = 500
LONGEST = 80  # characters of a term
_ROUNDED_S = 0.002  # times are kept to the thousandth


class SpottingQuerySet(LeasedQuerySet["Spotting"]):
    @transaction.atomic
    def request(self, indexing: Indexing, terms: Iterable[str], *, by: User | None) -> Spotting:
        """Listen for those terms that nobody has listened for. Raises Refused."""
        Indexing.objects.select_for_update(of=("self",)).get(pk=indexing.pk)
        if sentence := why_not(indexing):
            raise Refused(sentence)
        wanted = missing(indexing, terms)
        if not wanted:
            raise Refused("These words were listened for already.")
        spotting = self.create(indexing=indexing, terms=wanted[:MOST_TERMS], requested_by=by)
        about = {"terms": len(spotting.terms), "indexing": indexing.pk}
        asset = indexing.asset
        Event.record(asset.workspace, by, "listened for words in", str(asset), **about)
        jobs.ring(spotting)
        return spotting

    def open(self) -> Self:
        return self.claimable().filter(indexing__removed=None, indexing__asset__removed=None)


class Spotting(Leased):
    """Some terms, listened for in what one transcript was made of. Where a worker dies another goes
    on at `done_s`: what was found before that is stored with it."""

    WORKSPACE = "indexing__asset__workspace"
    PIECE = Piece("spot", "batch", "sounds to listen to for words")

    indexing = models.ForeignKey(Indexing, models.CASCADE, related_name="spottings")
    terms: Any = models.JSONField(default=list)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    done_s = models.FloatField(default=0)
    progress = models.FloatField(default=0)  # 0 to 1
    is_cancelled = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SpottingQuerySet.as_manager()
    if TYPE_CHECKING:
        found: RelatedManager[SpottedTerm]

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"words in {self.indexing.asset}"

    def is_wanted(self) -> bool:
        gone = Q(indexing__removed=None, indexing__asset__removed=None)
        return self._mine().filter(gone).exists()

    def waiting_because(self) -> str:
        return batch_says(self)

    @property
    def is_going_on(self) -> bool:
        return self.status in UNFINISHED

    @transaction.atomic
    def store(self, found: Sequence[SpottedTerm], *, until_s: float, progress: float) -> bool:
        """Keep what was found up to a time. False: the lease was lost; nothing was written."""
        if not self.progressed(done_s=until_s, progress=progress):
            return False
        SpottedTerm.objects.bulk_create(found)
        if found:
            terms_spotted.send(type(self), indexing=self.indexing, found=found)
        self.done_s = until_s
        return True


class SpottedTerm(models.Model):
    """A term that is in the sound. text: what the transcript has there."""

    WORKSPACE = "spotting__indexing__asset__workspace"

    spotting = models.ForeignKey(Spotting, models.CASCADE, related_name="found")
    term = models.CharField(max_length=LONGEST)
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.TextField(blank=True)
    score = models.FloatField()

    class Meta:
        ordering = ["start_s", "pk"]

    def __str__(self) -> str:
        return f"“{self.term}” at {self.start_s:.1f} s"

    def is_in(self, words: Sequence[PlacedWord]) -> bool:
        """Whether it is in some words, and these still read as they did when it was heard."""
        within = (w for w in words if self.start_s <= w.start_s + _ROUNDED_S < self.end_s)
        return bool(self.text) and " ".join(word.text for word in within) == self.text


def why_not(indexing: Indexing) -> str:
    """Why nobody can listen for words in what a transcript was made of, or ""."""
    if indexing.step != Indexing.Step.SPEECH or indexing.status != Status.DONE:
        return "The transcript is not finished yet: words are listened for where it has others."
    if indexing.options.get("task") == "translate":
        return "The transcript is a translation: it does not say where which words were spoken."
    if not speech_engine():
        return NO_ENGINE
    if indexing.spottings.filter(status__in=UNFINISHED).exists():
        return "Words are being listened for in it already."
    return ""


def missing(indexing: Indexing, terms: Iterable[str]) -> list[str]:
    """Those terms that nobody has listened for, or does just now."""
    kept = indexing.spottings.exclude(status=Status.FAILED).values_list("terms", flat=True)
    known = {term.casefold() for some in kept for term in some}
    clean = dict.fromkeys(" ".join(term.split())[:LONGEST] for term in terms)
    return [term for term in clean if term and term.casefold() not in known]


def terms_heard(workspace: Workspace, names: Iterable[str]) -> list[str]:
    """Those of some names that were heard in the sound of any film, as they were written then."""
    wanted = {" ".join(name.split())[:LONGEST].casefold() for name in names}
    rows = SpottedTerm.objects.filter(spotting__indexing__asset__workspace=workspace)
    terms = rows.order_by("term").values_list("term", flat=True).distinct()
    return [term for term in terms if term.casefold() in wanted]


def spotted(indexing: Indexing) -> list[SpottedTerm]:
    """What was heard in the sound of a transcript, by time."""
    return list(SpottedTerm.objects.filter(spotting__indexing=indexing).order_by("start_s", "pk"))
