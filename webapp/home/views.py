from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from webapp.accounts.access import may
from webapp.accounts.models import Action
from webapp.home import system as machine


@may(Action.VIEW)
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home/page.html")


@may(Action.ADMINISTER)
def system(request: HttpRequest) -> HttpResponse:
    template = "home/_system.html" if request.htmx else "home/system.html"
    return render(request, template, {"now": machine.state()})


def health(request: HttpRequest) -> HttpResponse:
    """For a monitor, without signing in: 503 only for what makes the site itself useless."""
    found = machine.checks()
    is_up = found["database"].ok and found["disk"].ok
    all_well = all(check.ok for check in found.values())
    body = {
        "status": "ok" if all_well else "degraded" if is_up else "down",
        "parts": {name: "ok" if check.ok else check.why for name, check in sorted(found.items())},
    }
    return JsonResponse(body, status=200 if is_up else 503)
