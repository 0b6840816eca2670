from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from webapp.accounts.models import Event, Key, Membership, Role, User, Workspace


class MembershipsFormSet(forms.BaseInlineFormSet):
    """Changes several memberships at once, by the same rules as the members page."""

    def clean(self) -> None:
        super().clean()
        rows = [form.cleaned_data for form in self.forms if form.is_valid()]
        left = [row for row in rows if row.get("user") and not row.get("DELETE")]
        if not any(r["role"] == Role.ADMINISTRATOR and r["user"].is_active for r in left):
            raise ValidationError("A workspace needs at least one administrator.")


class MembershipInline(admin.TabularInline):
    model = Membership
    formset = MembershipsFormSet
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Passwords are set by their owners, through a sign-in link. An account is closed and not
    deleted: what its owner did stays."""

    list_display = ["email", "name", "is_active", "is_superuser", "last_login"]
    search_fields = ["email", "name"]
    fields = ["email", "name", "is_active", "is_staff", "is_superuser", "last_login"]
    readonly_fields = ["last_login"]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().get_form(request, *args, form=AccountForm, **kwargs)

    def save_model(self, request: HttpRequest, user: User, form: Any, change: bool) -> None:
        if not change:
            user.set_unusable_password()
        super().save_model(request, user, form, change)
        if {"is_staff", "is_superuser", "email"} & set(form.changed_data):
            user.end_links()  # made by others, for less

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class AccountForm(forms.ModelForm):
    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()  # as it is looked up

    def clean_is_active(self) -> bool:
        is_active = self.cleaned_data["is_active"]
        if not is_active and self.instance.pk and (place := self.instance.keeps_alone()):
            raise ValidationError(
                f"{self.instance} is the last administrator of {place}. Make somebody else one "
                "first."
            )
        return is_active


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    list_display = ["name", "created"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [MembershipInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """By the verbs of a membership, so that keys end and the log says who did it. Those who
        become administrators first, so that two can change places."""
        operator = User.objects.get(email=request.user.get_username())
        made = formset.save(commit=False)
        for membership in sorted(made, key=lambda m: m.role != Role.ADMINISTRATOR):
            _save(membership, operator)
        for membership in formset.deleted_objects:
            membership.remove(by=operator)
        formset.save_m2m()


def _save(membership: Membership, by: User) -> None:
    before = Membership.objects.filter(pk=membership.pk).first()
    if before is not None and before.user_id == membership.user_id:
        before.change_role(membership.role, by=by)
        return
    membership.pk = None
    membership.save(force_insert=True)
    user = membership.user
    user.end_links()  # made by others, for less
    Event.record(membership.workspace, by, "invited", user.email, role=membership.role)
    if before is not None:  # somebody else took their place
        before.remove(by=by)


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Key)
class KeyAdmin(ReadOnly):
    list_display = ["name", "hint", "user", "workspace", "can_write", "last_used", "revoked"]
    exclude = ["key_hash"]


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ["at", "workspace", "user", "what", "subject"]
    list_filter = ["workspace"]
