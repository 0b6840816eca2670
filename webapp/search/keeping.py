"""Passages in step with what they are taken from: indexings and runs that end, words that people
edit, labels that get another name, what people comment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from analysis.exposure import corrections as arithmetic
from analysis.exposure.measure import measure
from analysis.film.columns import Columns
from analysis.speech.types import join_words
from analysis.tokens import tokens
from webapp.assets.models import Asset
from webapp.comments import people
from webapp.comments.comments import Comment
from webapp.indexing.indexing import Indexing
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.spotting import SpottedTerm, spotted
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.transcript import read_words
from webapp.indexing.word_edits import WordEdit
from webapp.projects.models import Label
from webapp.reviewing.said import Said
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.search import vocabulary
from webapp.search.passages import VERSION, Passage, PassageSet
from webapp.search.standing import SearchIndex

# So that no phrase goes from one name of a brand on to the next, or from what is said to a name
# that was heard there.
BETWEEN_NAMES = "0name0"
_MOST_TOKENS = 2000  # of one passage
_AT_ONCE = 500

Source = PassageSet.Source


# --- out of an indexing ---------------------------------------------------------------------------


def said(indexing: Indexing) -> Iterator[Passage]:
    rows = indexing.speech_segments.order_by("start_s", "pk")
    heard = spotted(indexing)
    start = 0
    while some := list(rows[start : start + _AT_ONCE]):
        edits = WordEdit.objects.of(some)
        for row in some:
            if passage := _sentence(row, edits.get(row.pk, {}), heard):
                yield passage
        start += _AT_ONCE


def _sentence(
    row: SpeechSegment, edits: dict[int, WordEdit], heard: Sequence[SpottedTerm]
) -> Passage | None:
    """Found by its words, and by the names that were heard in it where it has others."""
    words = list(read_words(row, edits))
    text = join_words([word.text.strip() for word in words], row.language)
    passage = _passage(text, row.start_s, row.end_s, row.confidence, row=row.pk)
    if passage is not None:
        near = (one for one in heard if one.start_s < row.end_s and one.end_s > row.start_s)
        names = dict.fromkeys(" ".join(tokens(one.term)) for one in near if one.is_in(words))
        passage.tokens = f" {BETWEEN_NAMES} ".join([passage.tokens, *filter(None, names)])
    return passage


def written(indexing: Indexing) -> Iterator[Passage]:
    rows = indexing.text_regions.as_it_reads().order_by("start_s", "pk")
    for row in rows.iterator():
        if passage := _line(row):
            yield passage


def _line(row: Any) -> Passage | None:
    return _passage(row.reads, row.start_s, row.end_s, row.confidence, row=row.pk)


def _passage(
    text: str, start_s: float, end_s: float, confidence: float, **about: Any
) -> Passage | None:
    """None where nothing in it can be looked for."""
    found = tokens(text)[:_MOST_TOKENS]
    if not found:
        return None
    return Passage(
        text=text,
        tokens=" ".join(found),
        start_s=start_s,
        end_s=end_s,
        confidence=min(max(confidence, 0.0), 1.0),
        **about,
    )


# Which source a step's findings are, and how they are read: a new step is a line here.
READ: dict[str, tuple[str, Callable[[Indexing], Iterator[Passage]]]] = {
    Indexing.Step.SPEECH: (Source.SAID, said),
    Indexing.Step.TEXT: (Source.WRITTEN, written),
}


# --- out of a run ---------------------------------------------------------------------------------


def seen(run: Run) -> Iterator[Passage]:
    """An episode of each brand, as the plainest way of counting has them, with what people said of
    stretches and boxes."""
    wanted = [label["id"] for label in run.inputs.get("labels", [])]
    labels = Label.objects.in_bulk(wanted)
    exposure = measure(
        _as_said(run, list(labels)),
        duration_s=run.duration_s,
        labels=list(labels),
        thresholds={pk: label.threshold for pk, label in labels.items()},
    )
    for brand in exposure.brands:
        label = labels[brand.label]
        about: dict[str, Any] = {"label": label, "text": label.name, "tokens": names_of(label)}
        for one in brand.episodes:
            at = {"start_s": one.start_s, "end_s": one.end_s}
            yield Passage(**about, **at, confidence=min(one.mean_confidence, 1.0))
        if brand.frames and not run.duration_s:  # in a picture nothing lasts
            yield Passage(**about, start_s=0.0, end_s=0.0)


def _as_said(run: Run, labels: Sequence[int]) -> Columns:
    """What a run found with what people said laid over it."""
    columns, said = columns_of(run), Said.of(run.asset, labels)
    return arithmetic.Said(columns, said.in_order()).columns() if said else columns


def names_of(label: Label) -> str:
    """The tokens of its name and of its aliases."""
    names = (" ".join(tokens(name)) for name in (label.name, *label.aliases))
    return f" {BETWEEN_NAMES} ".join(dict.fromkeys(filter(None, names)))


# --- out of the comments --------------------------------------------------------------------------


def commented(asset: Asset) -> list[Passage]:
    """What people say about an asset, at the moments of which they say it."""
    standing = list(asset.comments.standing())
    names = people.names_in(comment.text for comment in standing)
    return [passage for one in standing if (passage := _comment(one, names))]


def _comment(comment: Comment, names: Mapping[int, str]) -> Passage | None:
    text = "".join(part.text for part in people.parts(comment.text, names))
    end_s = comment.start_s if comment.end_s is None else comment.end_s
    return _passage(" ".join(text.split()), comment.start_s, end_s, 1.0, row=comment.pk)


# --- keeping them ---------------------------------------------------------------------------------


@transaction.atomic
def index(indexing: Indexing) -> PassageSet | None:
    """Make findable what an indexing found, in place of what an earlier one had found."""
    if indexing.step not in READ:
        return None
    _hold(indexing.asset_id)  # else what people correct meanwhile would be found as it was
    source, read = READ[indexing.step]
    older = Q(indexing__step=indexing.step)
    return _replace(indexing.asset_id, source, older, list(read(indexing)), indexing=indexing)


def index_run(run: Run) -> PassageSet:
    """Make findable what a run saw, in place of the project's earlier runs of the asset."""
    older = Q(run__project=run.project_id)
    return _replace(run.asset_id, Source.SEEN, older, list(seen(run)), run=run)


@transaction.atomic
def index_comments(asset: Asset) -> PassageSet:
    """Make findable all that is commented on an asset."""
    _hold(asset.pk)  # else a comment that comes meanwhile would be in neither set, or in two
    return _replace(asset.pk, Source.COMMENT, Q(), commented(asset))


def _hold(asset_id: int) -> Asset:
    """What is findable of an asset is kept by one at a time: who ends a run and who brings the
    search up to date may come at once. Others add rows to the asset meanwhile."""
    return Asset.everything.select_for_update(no_key=True).get(pk=asset_id)


def are_comments_untold(workspace_id: int) -> bool:
    """Whether comments changed of which nobody who keeps a search was told."""
    mine = PassageSet.objects.in_sight().filter(asset__workspace=workspace_id)
    return mine.filter(n_untold__gt=0).exists()


@transaction.atomic
def _replace(
    asset_id: int, source: str, older: Q, passages: Sequence[Passage], **of: Any
) -> PassageSet:
    _hold(asset_id)  # not while a run is measured: who reviews the film would wait for that
    gone = PassageSet.objects.filter(older, asset=asset_id, source=source)
    n_gone = sum(gone.values_list("n_passages", flat=True))
    Passage.objects.filter(set__in=gone).delete()
    gone.delete()
    made = PassageSet.objects.create(
        asset_id=asset_id, source=source, n_passages=len(passages), **of
    )
    for passage in passages:
        passage.set = made
    Passage.objects.bulk_create(passages, batch_size=_AT_ONCE)
    workspace_id = made.asset.workspace_id
    vocabulary.count_in(workspace_id, passages, len(passages) - n_gone)
    SearchIndex.objects.request(workspace_id)
    return made


def newest_indexings(step: str) -> QuerySet[Indexing]:
    """Of each asset the one that is read."""
    done = Indexing.objects.succeeded().filter(step=step, asset__removed=None)
    later = done.filter(asset=OuterRef("asset"), version__gt=OuterRef("version"))
    return done.filter(~Exists(later))


def newest_runs() -> QuerySet[Run]:
    """Of each asset the one that each project is answered by."""
    done = Run.objects.finished().filter(asset__removed=None, project__workspace__isnull=False)
    newest = done.order_by().values("asset", "project").annotate(newest=Max("pk"))
    return done.filter(pk__in=newest.values("newest"))


def _with_comments() -> QuerySet[Asset]:
    """Those with comments that cannot be found yet, or are kept as another version kept them."""
    of = {"asset": OuterRef("pk")}
    kept = PassageSet.objects.filter(**of, source=Source.COMMENT, version__gte=VERSION)
    standing = Comment.objects.standing().filter(**of)
    return Asset.objects.filter(Exists(standing), ~Exists(kept), removed=None)


def missing(workspace_id: int | None = None) -> Iterator[Indexing | Run | Asset]:
    """What has ended and cannot be found yet, or is kept as another version kept it; and assets
    whose comments are not."""
    where = {} if workspace_id is None else {"asset__workspace": workspace_id}
    new = Q(passage_set=None) | Q(passage_set__version__lt=VERSION)
    for step in READ:
        yield from newest_indexings(step).filter(new, **where).order_by("-pk")[:_AT_ONCE]
    yield from newest_runs().filter(new, **where).order_by("-pk")[:_AT_ONCE]
    mine = {} if workspace_id is None else {"workspace": workspace_id}
    yield from _with_comments().filter(**mine).order_by("-pk")[:_AT_ONCE]


def make_findable(one: Indexing | Run | Asset) -> PassageSet | None:
    match one:
        case Run():
            return index_run(one)
        case Asset():
            return index_comments(one)
    return index(one)


# --- what people change ---------------------------------------------------------------------------


def words_changed(sender: Any, segment: SpeechSegment, **_: Any) -> None:
    """A sentence reads otherwise: it is found by what it says now, at once."""
    edits = WordEdit.objects.of([segment]).get(segment.pk, {})
    passage = _sentence(segment, edits, spotted(segment.indexing))
    _reads_now(segment.indexing, segment.pk, passage)


def terms_spotted(sender: Any, indexing: Indexing, found: Sequence[SpottedTerm], **_: Any) -> None:
    """Names were heard in some sentences: these are found by them too."""
    first, last = min(one.start_s for one in found), max(one.end_s for one in found)
    near = indexing.speech_segments.filter(start_s__lt=last, end_s__gt=first)
    for segment in near.select_related("indexing"):
        if any(one.start_s < segment.end_s and one.end_s > segment.start_s for one in found):
            words_changed(sender, segment)


def line_changed(sender: Any, region: TextRegion, **_: Any) -> None:
    """The same of what is written."""
    passage = _line(TextRegion.objects.as_it_reads().get(pk=region.pk))
    _reads_now(region.indexing, region.pk, passage)


@transaction.atomic
def comment_changed(sender: Any, comment: Comment, **_: Any) -> None:
    """The same of a comment; of a deleted one nothing is found."""
    asset = _hold(comment.asset_id)  # two may be the first
    kept = PassageSet.objects.filter(asset=asset, source=Source.COMMENT).first()
    if kept is None:
        kept = index_comments(asset)
    else:
        names = people.names_in([comment.text])
        _put(kept, comment.pk, None if comment.deleted else _comment(comment, names))
    PassageSet.objects.filter(pk=kept.pk).update(n_untold=F("n_untold") + 1)


@transaction.atomic
def _reads_now(indexing: Indexing, row: int, passage: Passage | None) -> None:
    _hold(indexing.asset_id)
    kept = PassageSet.objects.filter(indexing=indexing).first()
    if kept is not None:  # else it is not read any more, or found when it is finished
        _put(kept, row, passage)


def _put(kept: PassageSet, row: int, passage: Passage | None) -> None:
    """In place of what was found of the row."""
    _, gone = kept.passages.filter(row=row).delete()  # with their vectors
    if passage is not None:
        passage.set = kept
        passage.save()
    change = (passage is not None) - gone.get(Passage._meta.label, 0)
    if change:
        PassageSet.objects.filter(pk=kept.pk).update(n_passages=F("n_passages") + change)
    workspace_id = kept.asset.workspace_id
    vocabulary.count_in(workspace_id, [passage] if passage else [], change)
    SearchIndex.objects.request(workspace_id)


def seen_otherwise(sender: Any, assets: Sequence[int], **_: Any) -> None:
    """People said of something seen that it is none, another brand, or was missed: a worker makes
    it findable anew, as what another version kept."""
    kept = PassageSet.objects.filter(asset__in=assets, source=Source.SEEN)
    if not kept.update(version=0):
        return
    for workspace_id in set(kept.values_list("asset__workspace", flat=True)):
        SearchIndex.objects.request(workspace_id)


def label_saved(sender: Any, instance: Label, update_fields: Any = None, **_: Any) -> None:
    """A brand has another name or alias: what was seen of it is found by that."""
    if update_fields is not None and not {"name", "aliases"} & set(update_fields):
        return
    passages = Passage.objects.filter(label=instance)
    names = names_of(instance)
    n = passages.exclude(text=instance.name, tokens=names).update(text=instance.name, tokens=names)
    if n and instance.project.workspace is not None:
        new = dict.fromkeys(names.split(), n)
        vocabulary.add(instance.project.workspace.pk, new)
