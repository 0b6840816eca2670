from django.contrib import admin
from django.http import HttpRequest

from webapp.accounts.models import Event, Key, Membership, User, Workspace


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Passwords are set by their owners, through a sign-in link."""

    list_display = ["email", "name", "is_active", "is_superuser", "last_login"]
    search_fields = ["email", "name"]
    fields = ["email", "name", "is_active", "is_staff", "is_superuser", "last_login"]
    readonly_fields = ["last_login"]


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    list_display = ["name", "created"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [MembershipInline]


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
