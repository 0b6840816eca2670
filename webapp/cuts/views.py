"""Pages of cuts: made of what was chosen, changed clip by clip, rendered and taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp import sharing
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.assets.models import Asset
from webapp.cuts import page
from webapp.cuts.choosing import Wish, clips_found, clips_wished, reel
from webapp.cuts.cut import Cut, CutClip
from webapp.cuts.forms import ClipForm, PersonalForm, ReelForm, sentence
from webapp.cuts.links import CutLink
from webapp.cuts.lists import LISTS, answer, file_name
from webapp.cuts.personal import Offer
from webapp.cuts.renderings import Rendering
from webapp.going_back import back
from webapp.ids import is_id
from webapp.projects.models import Label
from webapp.runs.run import Run

_VERBS = {"cancel": "It is {state} already.", "retry": "It is {state}, so there is nothing to try."}
_SHOWN_S = 6e-4  # a form shows milliseconds: what is no further off was not changed
_LAST = "cut"  # in the session: the cut that was looked at last, which more is added to


def _cut(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> Cut:
    return find(Cut.objects.select_related("workspace"), request, action, pk=pk)


def _clip(request: MemberRequest, pk: int) -> CutClip:
    clips = CutClip.objects.filter(cut__removed=None).select_related("cut__workspace", "asset")
    return find(clips, request, Action.ANALYSE, pk=pk)


# --- all of them ----------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def cuts(request: MemberRequest) -> HttpResponse:
    rows = Cut.objects.filter(workspace=request.membership.workspace)
    if words := request.GET.get("q", "").strip():
        rows = rows.filter(title__icontains=words)
    standing = Count("clips", filter=Q(clips__removed=None))
    rows = rows.annotate(n_clips=standing).select_related("made_by").order_by("-changed", "-pk")
    found = Paginator(rows, 25).get_page(request.GET.get("page"))
    return render(request, "cuts/list.html", {"page": found, "words": words})


@require_POST
@may(Action.ANALYSE)
def add(request: MemberRequest) -> HttpResponse:
    """Parts of films into a new cut, or into the one that is named: `span` is
    ASSET:FROM:TO:TITLE, once for each."""
    workspace = request.membership.workspace
    try:
        clips = clips_wished(workspace, [Wish.read(one) for one in request.POST.getlist("span")])
        into = _into(request)
        if into is None:
            title = request.POST.get("title", "") or clips[0].title or "Cut"
            cut = Cut.objects.make(workspace, clips, title=title, by=request.user)
        else:
            cut = into
            cut.add(clips)
    except Refused as refused:
        messages.error(request, str(refused))
        return render(request, "_toasts.html") if request.htmx else back(request, "cuts")
    request.session[_LAST] = cut.pk
    if "stay" not in request.POST:
        return redirect("cut", cut.pk)
    n = cut.standing().count()
    messages.success(request, f"Added to “{cut}”, which has {n} clip{'' if n == 1 else 's'} now.")
    return render(request, "_toasts.html") if request.htmx else back(request, "cuts")


def _into(request: MemberRequest) -> Cut | None:
    """The cut that is asked for: by number, or the last one looked at; None for a new one."""
    asked = request.POST.get("cut", "")
    if asked == "last":
        last = request.session.get(_LAST)
        here = Cut.objects.filter(workspace=request.membership.workspace, pk=last or 0)
        return here.first()
    return _cut(request, int(asked), Action.ANALYSE) if is_id(asked) else None


@require_POST
@may(Action.ANALYSE)
def from_search(request: MemberRequest) -> HttpResponse:
    """A cut of everything that a search finds."""
    query = request.POST.get("q", "")[:2000]
    workspace = request.membership.workspace
    try:
        clips = clips_found(workspace, query)
        chosen = {"search": query}
        cut = Cut.objects.make(workspace, clips, title=query, by=request.user, chosen=chosen)
    except Refused as refused:
        messages.error(request, str(refused))
        return back(request, "search")
    request.session[_LAST] = cut.pk
    return redirect("cut", cut.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.VIEW)
def label_reel(request: MemberRequest, pk: int) -> HttpResponse:
    """A brand's highlight reel: how long and in which order, of one film or of all."""
    labels = Label.objects.select_related("project__workspace")
    needed = Action.ANALYSE if request.method == "POST" else Action.VIEW
    label = find(labels, request, needed, pk=pk)
    run = _run_of(request, label)
    form = ReelForm(request.POST or None)

    def make() -> Cut:
        return Cut.objects.make(
            request.membership.workspace,
            reel(label, form.wish(), run),
            title=f"{label.name}: highlights",
            by=request.user,
            chosen={"label": label.pk, "run": run.pk if run else None} | form.cleaned_data,
        )

    context = {"label": label, "run": run, "form": form}
    return _made(request, form, make) or _form(request, "cuts/reel.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.VIEW)
def personal(request: MemberRequest, pk: int) -> HttpResponse:
    """A cut of one film by its topics, brands and speakers."""
    needed = Action.ANALYSE if request.method == "POST" else Action.VIEW
    asset = find(Asset.objects.select_related("workspace"), request, needed, pk=pk)
    offer = Offer.of(asset)
    form = PersonalForm(offer, request.POST if request.method == "POST" else None)

    def make() -> Cut:
        chosen = form.chosen()
        return Cut.objects.make(
            asset.workspace,
            offer.clips(chosen),
            title=asset.stem,
            by=request.user,
            chosen={"asset": asset.pk, **chosen.json()},
        )

    context = {"asset": asset, "offer": offer, "form": form}
    return _made(request, form, make) or _form(request, "cuts/personal.html", context)


def _made(request: MemberRequest, form: Form, make: Callable[[], Cut]) -> HttpResponse | None:
    """To the cut that a form asks for; None where the form is to be shown, with why if it was
    refused."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        cut = make()
    except Refused as refused:
        form.add_error(None, str(refused))
        return None
    request.session[_LAST] = cut.pk
    return redirect("cut", cut.pk)


def _form(request: MemberRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, context, status=422 if context["form"].errors else 200)


def _run_of(request: MemberRequest, label: Label) -> Run | None:
    asked = request.GET.get("run", "")
    if not asked:
        return None
    if not is_id(asked):
        raise Http404
    rows = Run.objects.finished().filter(project=label.project_id, asset__removed=None)
    return find(rows.select_related("asset", "project"), request, pk=int(asked))


# --- one ------------------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def cut(request: MemberRequest, pk: int) -> HttpResponse:
    found = _cut(request, pk)
    request.session[_LAST] = found.pk
    context = page.context(found) | {
        "lists": {kind: title for kind, (title, _, _) in LISTS.items()},
        "links": found.links.select_related("created_by").order_by("-created"),
        "days": sharing.DAYS,
        "new_link": request.session.pop("new_cut_link", None),
    }
    return render(request, "cuts/page.html", context)


@require_POST
@may(Action.ANALYSE)
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    found = _cut(request, pk, Action.ANALYSE)
    try:
        found.rename(request.POST.get("title", ""), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("cut", pk)


@require_POST
@may(Action.ANALYSE)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    found = _cut(request, pk, Action.ANALYSE)
    found.remove(by=request.user)
    undo = reverse("cut-restore", args=[pk])
    messages.success(request, f"“{found}” is deleted.", extra_tags=undo)
    return redirect("cuts")


@require_POST
@may(Action.ANALYSE)
def restore(request: MemberRequest, pk: int) -> HttpResponse:
    found: Cut = find(Cut.everything.all(), request, Action.ANALYSE, pk=pk)
    found.restore(by=request.user)
    return redirect("cut", pk)


# --- its clips ------------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def clips(request: MemberRequest, pk: int) -> HttpResponse:
    """The list again, as a fragment."""
    return _clips(request, _cut(request, pk))


def _clips(request: MemberRequest, cut: Cut) -> HttpResponse:
    if not request.htmx:
        return redirect("cut", cut.pk)
    return render(request, "cuts/_clips.html", page.context(cut))


@require_POST
@may(Action.ANALYSE)
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    """Where a clip begins and ends, what it is called, and its place in the cut."""
    clip, form = _clip(request, pk), ClipForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(sentence(form))
        _change(clip, form.cleaned_data, has_title="title" in request.POST)
    except Refused as refused:
        messages.error(request, str(refused))
    return _clips(request, clip.cut)


def _change(clip: CutClip, wish: dict[str, Any], *, has_title: bool) -> None:
    moved = {border: wish[border] for border in ("start_s", "end_s") if wish[border] is not None}
    if any(abs(time_s - getattr(clip, border)) > _SHOWN_S for border, time_s in moved.items()):
        clip.trim(**moved)
    if wish["nudge"]:
        border, _, frames = wish["nudge"].partition(":")
        clip.nudge("start" if border == "start" else "end", int(frames))
    if has_title:
        clip.rename(wish["title"])
    if wish["place"] is not None:
        clip.move_to(wish["place"])


@require_POST
@may(Action.ANALYSE)
def remove_clip(request: MemberRequest, pk: int) -> HttpResponse:
    clip = _clip(request, pk)
    if clip.remove():
        undo = reverse("cut-clip-restore", args=[pk])
        messages.success(request, f"“{clip}” is out of the cut.", extra_tags=undo)
    return _clips(request, clip.cut)


@require_POST
@may(Action.ANALYSE)
def restore_clip(request: MemberRequest, pk: int) -> HttpResponse:
    clip = _clip(request, pk)
    clip.restore()
    return _clips(request, clip.cut)


# --- taking it away -------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def start(request: MemberRequest, pk: int) -> HttpResponse:
    """Have it rendered."""
    found = _cut(request, pk, Action.ANALYSE)
    try:
        Rendering.objects.request(found, by=request.user, ending=request.POST.get("as", ""))
    except Refused as refused:
        messages.error(request, str(refused))
    return _standing(request, found)


@require_safe
@may(Action.VIEW)
def rendering(request: MemberRequest, pk: int) -> HttpResponse:
    """How the rendering stands: it asks for itself again until it is over."""
    return _standing(request, _cut(request, pk))


@require_POST
@may(Action.ANALYSE)
def ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    rows = Rendering.objects.filter(cut__removed=None).select_related("cut__workspace")
    row = find(rows, request, Action.ANALYSE, pk=pk)
    if do not in _VERBS:
        raise Http404
    if not getattr(row, do)():
        row.refresh_from_db()
        messages.info(request, _VERBS[do].format(state=row.state))
    return _standing(request, row.cut)


def _standing(request: MemberRequest, cut: Cut) -> HttpResponse:
    if not request.htmx:
        return redirect("cut", cut.pk)
    return render(request, "cuts/_rendering.html", page.standing(cut))


@require_safe
@may(Action.VIEW)
def film(request: MemberRequest, pk: int) -> HttpResponse:
    """The film, or the sound, that was rendered last, as a download."""
    found = _cut(request, pk)
    done = Rendering.objects.done(found)
    if done is None:
        raise Http404
    return redirect(media_link(done.file, download_as=file_name(found, done.ending)))


@require_safe
@may(Action.VIEW)
def edit_list(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    if kind not in LISTS:
        raise Http404
    found = _cut(request, pk)
    try:
        return answer(found, kind)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("cut", pk)


# --- sharing --------------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def share(request: MemberRequest, pk: int) -> HttpResponse:
    """Make a link. What it shows is rendered now, where it was not yet."""
    found = _cut(request, pk, Action.ANALYSE)
    done = Rendering.objects.done(found)
    if done is None or done.fingerprint != found.fingerprint:
        try:
            ending = done.ending if done else ""  # as it was wished for last
            Rendering.objects.request(found, by=request.user, ending=ending)
        except Refused as refused:
            if not Rendering.objects.unfinished().filter(cut=found).exists():
                messages.error(request, str(refused))
                return redirect("cut", pk)
    _, token = CutLink.make(
        found,
        by=request.user,
        days=sharing.days_asked(request.POST.get("days", "")),
        with_titles="titles" in request.POST,
        may_download="download" in request.POST,
    )
    address = request.build_absolute_uri(reverse("watch", args=[token]))
    request.session["new_cut_link"] = address
    return redirect(f"{reverse('cut', args=[pk])}#share")


@require_POST
@may(Action.ANALYSE)
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    link = find(CutLink.objects.select_related("cut__workspace"), request, Action.ANALYSE, pk=pk)
    link.revoke(by=request.user)
    return redirect(f"{reverse('cut', args=[link.cut_id])}#share")
