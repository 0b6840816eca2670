from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.ids import is_id
from webapp.sky import showing
from webapp.sky.blocks import block_response
from webapp.sky.exposures import SkyExposure


@require_safe
@may(Action.VIEW)
def block(request: MemberRequest, pk: int, mark: str, place: str) -> HttpResponse:
    return block_response(request, _sky(request, pk), mark, place)


@require_safe
@may(Action.VIEW)
def side_by_side(request: MemberRequest) -> HttpResponse:
    """Two to six exposures beside one another, or one after the other in one place."""
    asked = [int(number) for number in request.GET.getlist("asset") if is_id(number)]
    exposures = showing.in_order(asked, request.membership.workspace)
    if len(exposures) < 2:
        if exposures:
            messages.info(request, "Choose one or more exposures to put beside this one.")
            return redirect("asset", exposures[0].pk)
        raise Http404("These exposures are not there.")
    if len(exposures) > showing.MOST_BESIDE:
        messages.info(request, f"The first {showing.MOST_BESIDE} of {len(exposures)} are shown.")
        exposures = exposures[: showing.MOST_BESIDE]
    return render(request, "sky/beside.html", showing.side_by_side_context(exposures))


@require_POST
@may(Action.VIEW)
def beside_chosen(request: MemberRequest) -> HttpResponse:
    """From the library: those of the chosen assets that are sky exposures."""
    asked = [int(number) for number in request.POST.getlist("asset") if is_id(number)]
    exposures = showing.in_order(asked, request.membership.workspace)
    if len(exposures) < 2:
        messages.error(request, "Choose two to six sky exposures to put beside one another.")
        return redirect("library")
    numbers = urlencode({"asset": [sky.pk for sky in exposures]}, doseq=True)
    return redirect(f"{reverse('sky-beside')}?{numbers}")


@require_POST
@may(Action.ANALYSE)
def say_role(request: MemberRequest, pk: int) -> HttpResponse:
    sky = _sky(request, pk, Action.ANALYSE)
    role = request.POST.get("role", "")
    if role not in SkyExposure.Role.values:
        messages.error(request, "Choose what the exposure is for.")
    else:
        sky.say_role(role, by=request.user)
        messages.success(request, f"{sky} is kept as {sky.get_role_display().lower()}.")
    return redirect("asset", pk)


@require_POST
@may(Action.ANALYSE)
def show_extension(request: MemberRequest, pk: int) -> HttpResponse:
    sky = _sky(request, pk, Action.ANALYSE)
    asked = request.POST.get("extension", "")
    try:
        sky.show_extension(int(asked) if is_id(asked) else -1, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("asset", pk)


def _sky(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> SkyExposure:
    asset = find(Asset.objects.select_related("workspace"), request, action, pk=pk)
    sky = SkyExposure.objects.filter(asset=asset).first()
    if sky is None:
        raise Http404("This is no exposure of the sky.")
    sky.asset = asset
    return sky
