"""Signing in and out, one's profile, and the settings of a workspace."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from webapp.accounts import shown_once
from webapp.accounts.access import find, may
from webapp.accounts.forms import (
    ROLES,
    InviteForm,
    KeyForm,
    PasswordForm,
    ProfileForm,
    SignInForm,
    WorkspaceForm,
)
from webapp.accounts.invitations import link_url, send_invitation
from webapp.accounts.letterhead import letterhead
from webapp.accounts.models import (
    Action,
    Event,
    Key,
    Membership,
    Refused,
    Role,
    SignInLink,
    SignInTry,
    Workspace,
)
from webapp.accounts.requests import MemberRequest, PersonRequest
from webapp.pictures import PictureRefused

_FRESH_FROM_LINK = "may_set_password"


# --- in and out -----------------------------------------------------------------------------


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    after = _safe_next(request)
    if request.user.is_authenticated:
        return redirect(after)
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and (user := _check(request, form)):
            login(request, user)
            return redirect(after)
    return render(request, "accounts/sign_in.html", {"form": form, "next": after}, status=status)


def _check(request: HttpRequest, form: SignInForm) -> Any:
    """The person, or None with a sentence on the form."""
    email, password = form.cleaned_data["email"], form.cleaned_data["password"]
    try:
        user = SignInTry.guarded(
            email,
            _ip(request),
            lambda: authenticate(request, username=email, password=password),
        )
    except Refused as refused:
        form.add_error(None, str(refused))
        return None
    if user is None:
        form.add_error(None, "That e-mail and password do not go together.")
    return user


@never_cache
def operators_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own door leads to the one that counts tries."""
    if request.user.is_authenticated:
        raise PermissionDenied("Only the operator of the server can open this.")
    return redirect_to_login(_safe_next(request, otherwise="admin:index"))


def _ip(request: HttpRequest) -> str:
    """The caller's address. Behind our own https proxy it is the last one the proxy named."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return request.META.get("REMOTE_ADDR", "")


def _safe_next(request: HttpRequest, otherwise: str = "home") -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else reverse(otherwise)


@never_cache
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing: mail programs open links too. The button signs in."""
    person = SignInLink.whose(token)
    if person is None:
        return render(request, "accounts/link_over.html", status=410)
    if request.method != "POST":
        return render(request, "accounts/sign_in_link.html", {"person": person})
    user = SignInLink.redeem(token)
    if user is None:
        return render(request, "accounts/link_over.html", status=410)
    logout(request)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[_FRESH_FROM_LINK] = True
    return redirect("password")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@login_required
def no_workspace(request: PersonRequest) -> HttpResponse:
    if request.membership is not None:
        return redirect("home")
    return render(request, "accounts/no_workspace.html")


@require_POST
@login_required
def switch_workspace(request: PersonRequest, pk: int) -> HttpResponse:
    workspace = get_object_or_404(Workspace.objects.of(request.user), pk=pk)
    request.session["workspace"] = workspace.pk
    return redirect("home")


# --- one's own ------------------------------------------------------------------------------


@login_required
def settings_home(request: PersonRequest) -> HttpResponse:
    return redirect("profile")


@login_required
def profile(request: PersonRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved")
        return redirect("profile")
    context = {"form": form, "has_password": request.user.has_password}
    return render(request, "accounts/profile.html", context)


@never_cache
@login_required
def password(request: PersonRequest) -> HttpResponse:
    """Set or change the password. After a sign-in link the old one need not be known."""
    is_fresh = request.session.get(_FRESH_FROM_LINK, False)
    needs_current = request.user.has_password and not is_fresh
    form = PasswordForm(
        request.user, request.POST or None, ip=_ip(request) if needs_current else None
    )
    if request.method == "POST" and form.is_valid():
        request.user.set_password(form.cleaned_data["new"])
        request.user.save(update_fields=["password"])
        update_session_auth_hash(request, request.user)
        request.session.pop(_FRESH_FROM_LINK, None)
        messages.success(request, "Password set")
        return redirect("home" if is_fresh else "profile")
    status = 422 if form.errors else 200
    context = {"form": form, "is_fresh": is_fresh}
    return render(request, "accounts/password.html", context, status=status)


# --- members --------------------------------------------------------------------------------


@never_cache
@may(Action.ADMINISTER)
def members(request: MemberRequest) -> HttpResponse:
    """The members; posting invites somebody, or renames the workspace."""
    workspace = request.membership.workspace
    renames = "rename" in request.POST
    invite = InviteForm(request.POST if request.method == "POST" and not renames else None)
    naming = WorkspaceForm(request.POST if renames else None, initial={"name": workspace.name})
    link = None
    if naming.is_bound and naming.is_valid():
        workspace.rename(naming.cleaned_data["name"], by=request.user)
        messages.success(request, "Renamed")
        return redirect("members")
    if invite.is_bound and invite.is_valid():
        link = _invite(request, workspace, invite)
        if link:
            shown_once.keep(request, "sign-in link", link if link["url"] else None)
            return redirect("members")
    return _members_page(request, workspace, invite, naming)


def _invite(request: MemberRequest, workspace: Workspace, form: InviteForm) -> dict | None:
    try:
        membership, token = workspace.invite(
            form.cleaned_data["email"], form.cleaned_data["role"], by=request.user
        )
    except Refused as refused:
        form.add_error("email", str(refused))
        return None
    was_sent = send_invitation(membership, token, by=request.user)
    if not token:
        messages.success(
            request,
            f"{membership.user} has an account already and can sign in as usual.",
        )
    return {"url": link_url(token), "email": membership.user.email, "was_sent": was_sent}


def _members_page(
    request: MemberRequest,
    workspace: Workspace,
    invite: InviteForm,
    naming: WorkspaceForm,
) -> HttpResponse:
    people = workspace.memberships.select_related("user").order_by("user__email")
    context = {
        "members": people,
        "roles": [(role, role.label, ROLES[role]) for role in Role],
        "invite": invite,
        "naming": naming,
        "link": shown_once.take(request, "sign-in link"),
        "sends_mail": bool(settings.EMAIL_HOST),
    }
    status = 422 if invite.errors or naming.errors else 200
    return render(request, "accounts/members.html", context, status=status)


@never_cache
@may(Action.ADMINISTER)
def logo(request: MemberRequest) -> HttpResponse:
    """The workspace's logo; posting a picture changes it, and posting none removes it."""
    workspace = request.membership.workspace
    if request.method == "POST":
        _change_logo(request, workspace)
        return redirect("members")
    try:
        data = default_storage.open(workspace.logo).read() if workspace.logo else b""
    except FileNotFoundError:
        data = b""
    if not data:
        raise Http404
    return HttpResponse(data, content_type="image/png")  # we wrote it: see letterhead


def _change_logo(request: MemberRequest, workspace: Workspace) -> None:
    file = request.FILES.get("logo")
    if file is None and "remove" in request.POST:
        workspace.remove_logo(by=request.user)
        messages.success(request, "Reports carry no logo from now on")
    elif file is None:
        messages.error(request, "Choose a picture first.")
    else:
        try:
            workspace.show_logo(*letterhead(file), by=request.user)
            messages.success(request, "Reports issued from now on carry this logo")
        except PictureRefused as refused:
            messages.error(request, str(refused))


@require_POST
@may(Action.ADMINISTER)
def member_role(request: MemberRequest, pk: int) -> HttpResponse:
    membership = find(Membership, request, Action.ADMINISTER, pk=pk)
    role = request.POST.get("role", "")
    if role not in Role.values:
        messages.error(request, "There is no such role.")
        return redirect("members")
    try:
        membership.change_role(role, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{membership.user} is now {Role(role).label.lower()}")
        if request.user.pk == membership.user_id:
            return redirect("home")
    return redirect("members")


@require_POST
@may(Action.ADMINISTER)
def member_remove(request: MemberRequest, pk: int) -> HttpResponse:
    membership = find(Membership, request, Action.ADMINISTER, pk=pk)
    try:
        membership.remove(by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{membership.user} is no longer a member")
        if request.user.pk == membership.user_id:
            return redirect("home")
    return redirect("members")


@never_cache
@require_POST
@may(Action.ADMINISTER)
def member_link(request: MemberRequest, pk: int) -> HttpResponse:
    membership = find(Membership, request, Action.ADMINISTER, pk=pk)
    try:
        token = membership.new_link(by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("members")
    link = {"url": link_url(token), "email": membership.user.email, "was_sent": False}
    shown_once.keep(request, "sign-in link", link)
    return redirect("members")


# --- keys -----------------------------------------------------------------------------------


@never_cache
@may(Action.VIEW)
def keys(request: MemberRequest) -> HttpResponse:
    """One's own keys; an administrator sees everybody's. A new key is shown once."""
    form = KeyForm(request.POST or None)
    workspace = request.membership.workspace
    if request.method == "POST" and form.is_valid():
        _, secret = Key.make(workspace, request.user, **form.cleaned_data)
        shown_once.keep(request, "key", secret)
        return redirect("keys")
    shown = workspace.keys.filter(revoked=None).select_related("user").order_by("-pk")
    if not request.membership.can(Action.ADMINISTER):
        shown = shown.filter(user=request.user)
    context = {"keys": shown, "form": form, "secret": shown_once.take(request, "key")}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "accounts/keys.html", context, status=status)


@require_POST
@may(Action.VIEW)
def key_revoke(request: MemberRequest, pk: int) -> HttpResponse:
    owned = Key.objects.filter(revoked=None)
    if not request.membership.can(Action.ADMINISTER):
        owned = owned.filter(user=request.user)
    key = find(owned, request, pk=pk, workspace=request.membership.workspace)
    key.revoke(by=request.user)
    messages.success(request, f"{key.name} no longer opens anything")
    return redirect("keys")


# --- audit log -------------------------------------------------------------------


@may(Action.ADMINISTER)
def audit_log(request: MemberRequest) -> HttpResponse:
    workspace = request.membership.workspace
    events = workspace.events.select_related("user").order_by("-at", "-pk")
    words, who = request.GET.get("q", "").strip(), request.GET.get("who", "")
    events = Event.matching(events, words, who)
    page = Paginator(events, 50).get_page(request.GET.get("page"))
    people = workspace.memberships.select_related("user").order_by("user__email")
    keep = "&" + urlencode({"q": words, "who": who}) if words or who else ""
    context = {"page": page, "q": words, "who": who, "people": people, "keep": keep}
    return render(request, "accounts/audit_log.html", context)
