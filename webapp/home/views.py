"""The home page, the state of the system, and what a monitor asks."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from webapp.accounts.access import may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest, PersonRequest
from webapp.home import system as machine
from webapp.home.health import lately
from webapp.home.models import Dismissal
from webapp.home.overview import needs_of, overview
from webapp.home.tour import EVIDENCE, TITLE, TOUR, WORDS, demo_run, evidence, tour, words
from webapp.labelling.finding import given, taken_away


@login_required
def home(request: PersonRequest) -> HttpResponse:
    """Polled by itself, as a fragment, while something runs."""
    if request.membership is None:
        return redirect("no-workspace")
    member = cast(MemberRequest, request)  # which has just been seen
    if not member.membership.can(Action.VIEW):
        context = {"mine": given(member), "taken_away": taken_away(member), "now": timezone.now()}
        return render(request, "home/labeller.html", context)
    template = "home/_now.html" if request.htmx else "home/page.html"
    return render(request, template, overview(member))


@require_POST
@may(Action.ANALYSE)
def dismiss(request: MemberRequest) -> HttpResponse:
    """Show this person one thing that needs them no more; it can be undone."""
    key = request.POST.get("key", "")
    shown = {need.key: need.title for need in needs_of(request, is_waiting=False)}
    if tour(request):
        shown[TOUR] = TITLE
    if key not in shown:
        raise Http404
    dismissal, _ = Dismissal.objects.get_or_create(user=request.user, key=key)
    undo = reverse("dismissal-undo", args=[dismissal.pk])
    messages.success(request, f"Dismissed: {shown[key]}", extra_tags=undo)
    return redirect("home")


@require_POST
@may(Action.ANALYSE)
def tour_evidence(request: MemberRequest) -> HttpResponse:
    """Open what a figure of the demo rests on, and remember that this person has seen it."""
    run = demo_run(request.membership.workspace)
    if run is None:
        raise Http404
    Dismissal.objects.get_or_create(user=request.user, key=EVIDENCE)
    return redirect(evidence(run))


@require_POST
@may(Action.ANALYSE)
def tour_words(request: MemberRequest) -> HttpResponse:
    """Find what the demo's clip only says, and remember that this person has."""
    if demo_run(request.membership.workspace) is None:
        raise Http404
    Dismissal.objects.get_or_create(user=request.user, key=WORDS)
    return redirect(words())


@require_POST
@may(Action.ANALYSE)
def undo_dismissal(request: MemberRequest, pk: int) -> HttpResponse:
    get_object_or_404(Dismissal, pk=pk, user=request.user).delete()
    return redirect("home")


@may(Action.ADMINISTER)
def system(request: MemberRequest) -> HttpResponse:
    template = "home/_system.html" if request.htmx else "home/system.html"
    return render(request, template, {"now": machine.state()})


@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """For a monitor, without signing in: 503 only for what makes the site itself useless."""
    found = lately()
    is_up = found["database"].ok and found["disk"].ok
    all_well = all(check.ok for check in found.values())
    body = {
        "status": "ok" if all_well else "degraded" if is_up else "down",
        "parts": {
            name: {"ok": check.ok} | ({} if check.ok else {"why": check.why})
            for name, check in sorted(found.items())
        },
    }
    return JsonResponse(body, status=200 if is_up else 503)
