from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from webapp.projects.models import Label, Project


class LabelInline(admin.TabularInline):
    model = Label
    can_delete = False  # what rests on a label is seen on the project's own page
    extra = 0
    fields = ["name", "colour", "aliases", "not_in", "is_ordinary", "threshold", "position"]
    fields += ["archived"]


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    """Projects are deleted on their own page, where what they hold goes with them."""

    list_display = ["name", "workspace", "model_version", "changed"]
    list_filter = ["workspace"]
    search_fields = ["name"]
    readonly_fields = ["version", "created_by"]
    inlines = [LabelInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for one in formset.forms:
            if "threshold" in one.changed_data:
                one.instance.threshold_by_hand = True
        super().save_formset(request, form, formset, change)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
