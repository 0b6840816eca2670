from django.contrib import admin
from django.http import HttpRequest

from webapp.registry.versions import Alias, ModelVersion, RegisteredModel


class AliasInline(admin.TabularInline):
    model = Alias
    extra = 0


@admin.register(RegisteredModel)
class RegisteredModelAdmin(admin.ModelAdmin):
    list_display = ["name", "workspace", "created"]
    list_filter = ["workspace"]
    inlines = [AliasInline]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(ModelVersion)
class ModelVersionAdmin(admin.ModelAdmin):
    """Versions never change; a mended file is a new one. They are deleted on their own page, which
    knows what rests on them."""

    list_display = ["__str__", "status", "sha256", "created"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
