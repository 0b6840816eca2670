from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from webapp.assets.models import Asset, Collection, Rendition, Upload


class RenditionInline(admin.TabularInline):
    model = Rendition
    extra = 0
    fields = ["recipe", "status", "file", "error"]
    readonly_fields = ["recipe", "status", "file", "error"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Asset)
class AssetAdmin(admin.ModelAdmin):
    """To look at. Assets are deleted in the library, where their files go with them."""

    list_display = ["name", "workspace", "kind", "status", "size_bytes", "created", "removed"]
    list_filter = ["workspace", "status", "kind"]
    search_fields = ["name", "sha256"]
    inlines = [RenditionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Asset]:
        return Asset.everything.order_by("-created")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):
    list_display = ["name", "workspace", "created"]
    list_filter = ["workspace"]


@admin.register(Upload)
class UploadAdmin(admin.ModelAdmin):
    list_display = ["name", "user", "workspace", "received_bytes", "size_bytes", "touched", "error"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
