from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from analysis.reading.languages import DEFAULT
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.going_back import back
from webapp.ids import is_id
from webapp.indexing import encoders, files, transcript
from webapp.indexing.encoded_panel import EncodedPanel, newest_versions
from webapp.indexing.forms import (
    PicturesForm,
    SoundForm,
    SpeakersForm,
    SpeechForm,
    TextForm,
    WordForm,
)
from webapp.indexing.indexing import BY_A_PERSON, Indexing
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.panel import Panel
from webapp.indexing.reading_languages import ReadingLanguages
from webapp.indexing.refusals import (
    IndexingRefused,
    looking_engines,
    reading_engine,
    speech_engine,
    voice_engine,
)
from webapp.indexing.remembering import forget
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.uploaded import steps_for
from webapp.indexing.who import SpeakersPanel, Who
from webapp.indexing.word_edits import WordEdit
from webapp.indexing.written import line_json, lines_json
from webapp.indexing.written_panel import WrittenPanel
from webapp.leases import Status

MOST_SEGMENTS = 40  # of one answer


def visible(rows: Any = None) -> QuerySet[Indexing]:
    rows = Indexing.objects.all() if rows is None else rows
    found: QuerySet[Indexing] = rows.filter(asset__removed=None).select_related("asset__workspace")
    return found


# --- asking for it ----------------------------------------------------------------------------


_FORMS: dict[str, type[SpeechForm | TextForm | SpeakersForm | PicturesForm]] = {
    Indexing.Step.TEXT: TextForm,
    Indexing.Step.SPEAKERS: SpeakersForm,
    Indexing.Step.PICTURES: PicturesForm,
    Indexing.Step.SOUND: SoundForm,
}


@require_POST
@may(Action.ANALYSE)
def start(request: MemberRequest, pk: int) -> HttpResponse:
    """Index an asset: by one step, or by all that it can have and nobody did. What cannot be done
    is said where it was asked for."""
    asset = find(Asset, request, Action.ANALYSE, pk=pk)
    step = request.POST.get("step", "")
    form = _FORMS.get(step, SpeechForm)(request.POST)
    if step not in ("", *Indexing.Step.values) or not form.is_valid():
        messages.error(request, form.sentence() or "There is no such step.")
        return back(request, "asset", asset.pk)
    for one in [step] if step else steps_for(asset):
        options = form.options() if step or one == Indexing.Step.SPEECH else {}
        try:
            Indexing.objects.request(
                asset, one, by=request.user, options=options, priority=BY_A_PERSON
            )
        except IndexingRefused as refusal:
            messages.error(request, str(refusal))
    return back(request, "asset", asset.pk)


_VERBS = {
    "pause": "It is {state}, so it cannot be paused.",
    "resume": "It is {state}, so there is nothing to resume.",
    "cancel": "It is {state} already.",
    "retry": "It is {state}, so there is nothing to try again.",
}


@require_POST
@may(Action.ANALYSE)
def ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    """Ask an indexing to do something, and show how it stands now."""
    indexing = find(visible(), request, Action.ANALYSE, pk=pk)
    if do not in _VERBS:
        raise Http404
    if not getattr(indexing, do)():
        indexing.refresh_from_db()
        messages.info(request, _VERBS[do].format(state=indexing.state))
    if request.htmx:
        return _status(request, indexing)
    return back(request, "asset", indexing.asset_id)


_FOUND: dict[str, str] = {
    Indexing.Step.TEXT: "written lines",
    Indexing.Step.SPEAKERS: "speakers",
    Indexing.Step.PICTURES: "encoded pictures",
    Indexing.Step.SOUND: "encoded sound",
}


@require_POST
@may(Action.ANALYSE)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    indexing = find(visible(), request, Action.ANALYSE, pk=pk)
    if indexing.remove(by=request.user):
        undo = reverse("indexing-restore", args=[pk])
        what = _FOUND.get(indexing.step, "transcript")
        said = f"Version {indexing.version} of the {what} deleted."
        messages.success(request, said, extra_tags=undo)
    return redirect("asset", indexing.asset_id)


@require_POST
@may(Action.ANALYSE)
def restore(request: MemberRequest, pk: int) -> HttpResponse:
    indexing = find(visible(Indexing.everything), request, Action.ANALYSE, pk=pk)
    if not indexing.restore(by=request.user) and indexing.removed is not None:
        messages.error(request, "It is too late to undo: it is erased.")
    return redirect("asset", indexing.asset_id)


# --- how it stands ------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How it stands: the fragment that asks for itself again until it is over."""
    return _status(request, find(visible(), request, pk=pk))


def _status(request: MemberRequest, indexing: Indexing) -> HttpResponse:
    standing = indexing.standing()
    context = {"indexing": indexing, "standing": standing}
    response = render(request, "indexing/_status_polled.html", context)
    if not indexing.is_going_on:
        response["HX-Trigger"] = f"{indexing.step}-over"
    elif request.GET.get("seen", "") != str(standing.progress["segments_done"]):
        response["HX-Trigger"] = f"{indexing.step}-progress"
    return response


# --- what was heard -------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def segments(request: MemberRequest, pk: int) -> HttpResponse:
    """Which parts can be read by now."""
    indexing = find(visible(), request, pk=pk)
    found = transcript.done_segments(indexing)
    return _unkept(JsonResponse({"segments": found, "over": not indexing.is_going_on}))


@require_safe
@may(Action.VIEW)
def lines(request: MemberRequest, pk: int) -> HttpResponse:
    """The words of some segments: ?segments=0,1,2."""
    indexing = find(visible(), request, pk=pk)
    numbers = request.GET.get("segments", "").split(",")[:MOST_SEGMENTS]
    rows = SpeechSegment.objects.filter(
        indexing=indexing,
        segment__status=Status.DONE,
        segment__index__in=[int(n) for n in numbers if is_id(n) and len(n) < 10],
    )
    who = Who.of(indexing.asset_id)
    found = transcript.lines_json(list(rows.order_by("start_s", "pk")), who)
    return _unkept(JsonResponse({"lines": found}))


@require_safe
@may(Action.VIEW)
def regions(request: MemberRequest, pk: int) -> HttpResponse:
    """The lines of writing that were read by now, by time, each with its boxes."""
    indexing = find(visible(), request, pk=pk)
    return _unkept(JsonResponse(lines_json(indexing)))


@require_safe
@may(Action.VIEW)
def captions(request: MemberRequest, pk: int) -> HttpResponse:
    """WebVTT for the player, with what people corrected."""
    indexing = find(visible(), request, pk=pk)
    text = files.text_of(indexing, "vtt", edited=True)
    return _unkept(HttpResponse(text, content_type="text/vtt; charset=utf-8"))


@require_safe
@may(Action.VIEW)
def file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    """The transcript as a file; ?words=recognised leaves out what people corrected."""
    indexing = find(visible(), request, pk=pk)
    if kind not in files.files_of(indexing):
        raise Http404
    return files.answer(indexing, kind, edited=request.GET.get("words") != "recognised")


# --- editing --------------------------------------------------------------------------------------


@require_POST
@may(Action.REVIEW)
def edit_word(request: MemberRequest, pk: int) -> HttpResponse:
    """Let another text stand for a word: answers with its speech segment as it reads now."""
    indexing = find(visible(), request, Action.REVIEW, pk=pk)
    form = WordForm(request.POST)
    if not form.is_valid():
        return _refused("That cannot stand for a word: at most 200 characters.")
    wish = form.cleaned_data
    row = SpeechSegment.objects.filter(indexing=indexing, pk=wish["segment"]).first()
    if row is None:
        return _refused("This passage is no longer there. Reload the page.", status=404)
    try:
        WordEdit.objects.make(row, wish["word"], wish["text"], by=request.user)
    except Refused as refused:
        return _refused(str(refused))
    return JsonResponse(_line(row), status=201)


@require_POST
@may(Action.REVIEW)
def undo_edit(request: MemberRequest, pk: int) -> HttpResponse:
    """Take an edit back: what stood there before it holds again."""
    here = WordEdit.objects.filter(
        speech_segment__indexing__removed=None, speech_segment__indexing__asset__removed=None
    )
    edit = find(here, request, Action.REVIEW, pk=pk)
    edit.undo(by=request.user)
    return JsonResponse(_line(edit.speech_segment))


@require_POST
@may(Action.REVIEW)
def edit_line(request: MemberRequest, pk: int) -> HttpResponse:
    """Let another text stand for a line of writing: answers with it as it reads now."""
    indexing = find(visible(), request, Action.REVIEW, pk=pk)
    wish = request.POST
    line = wish.get("line", "")
    region = indexing.text_regions.filter(pk=line if is_id(line) else "0").first()
    if region is None:
        return _refused("This line is no longer there. Reload the page.", status=404)
    try:
        LineEdit.objects.make(region, wish.get("text", ""), by=request.user)
    except Refused as refused:
        return _refused(str(refused))
    return JsonResponse(_written(region), status=201)


@require_POST
@may(Action.REVIEW)
def undo_line_edit(request: MemberRequest, pk: int) -> HttpResponse:
    """Take a correction of a line back: what stood there before it holds again."""
    here = LineEdit.objects.filter(
        region__indexing__removed=None, region__indexing__asset__removed=None
    )
    edit = find(here, request, Action.REVIEW, pk=pk)
    edit.undo(by=request.user)
    return JsonResponse(_written(edit.region))


def _written(region: TextRegion) -> dict[str, Any]:
    return line_json(TextRegion.objects.as_it_reads().get(pk=region.pk))


def _line(row: SpeechSegment) -> dict[str, Any]:
    return transcript.lines_json([row], Who.of(row.indexing.asset_id))[0]


def _refused(sentence: str, status: int = 422) -> JsonResponse:
    return JsonResponse({"detail": sentence}, status=status)


def _unkept(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_cache=True)
    return response


# --- the workspace's wish -------------------------------------------------------------------------


@may(Action.ADMINISTER)
def settings(request: MemberRequest) -> HttpResponse:
    """Whether what is uploaded is indexed without being asked for."""
    workspace = request.membership.workspace
    if request.method == "POST":
        workspace.index_uploads("uploads" in request.POST, by=request.user)
        workspace.remember_voices("voices" in request.POST, by=request.user)
        wish = TextForm(request.POST)
        if "language" in request.POST and wish.is_valid():  # the form offers nothing else
            language = wish.cleaned_data["language"]
            workspace.read_text_for("" if language == DEFAULT else language, by=request.user)
        if not workspace.remembers_voices:
            forget(workspace)
        if encoder := request.POST.get("encoder", ""):
            if refused := encoders.why_not_pictures(encoder, workspace):
                messages.error(request, refused)
                return redirect("indexing-settings")
            workspace.encode_pictures_with(encoder, by=request.user)
        messages.success(request, "Saved")
        return redirect("indexing-settings")
    context = {
        "engine": speech_engine(),
        "reader": reading_engine(),
        "languages": ReadingLanguages.offered(workspace.text_language),
        "voices": voice_engine(),
        "encoders": encoders.offered(workspace),
        "encoder": encoders.of_workspace(workspace),
        "ears": next(iter(encoders.sound_encoders().values()), ""),
        "speakers": workspace.speakers.annotate(n=Count("remembered")),
    }
    return render(request, "indexing/settings.html", context)


def panel_context(request: MemberRequest, asset: Asset) -> dict[str, Any]:
    """For the asset page."""
    panel = Panel.of(asset, request.GET.get("transcript", ""))
    may_edit = request.membership.can(Action.REVIEW)
    step = Indexing.Step
    newest = newest_versions(asset, step.TEXT, step.PICTURES, step.SOUND)
    engines, version = looking_engines(), request.GET.get("written", "")
    written = WrittenPanel.of(asset, newest.get(step.TEXT, []), engines["text"], version)
    return {
        "speech": panel,
        "speakers": SpeakersPanel.of(asset),
        "speech_for_scripts": panel.for_scripts(may_edit=may_edit),
        "written": written,
        "encoded": EncodedPanel.of(asset, newest, engines),
        "written_for_scripts": written.for_scripts(may_edit=may_edit),
    }
