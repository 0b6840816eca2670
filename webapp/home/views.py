"""The home page, the state of the system, and what a monitor asks."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from webapp.accounts.access import may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest, PersonRequest
from webapp.home import system as machine
from webapp.home.health import lately
from webapp.home.overview import overview
from webapp.labelling.finding import given


@login_required
def home(request: PersonRequest) -> HttpResponse:
    """Polled by itself, as a fragment, while something runs."""
    if request.membership is None:
        return redirect("no-workspace")
    member = cast(MemberRequest, request)  # which has just been seen
    if not member.membership.can(Action.VIEW):
        context = {"mine": given(member), "now": timezone.now()}
        return render(request, "home/labeller.html", context)
    template = "home/_now.html" if request.htmx else "home/page.html"
    return render(request, template, overview(member))


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
