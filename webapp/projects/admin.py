from django.contrib import admin

from webapp.projects.models import Label, Project


class LabelInline(admin.TabularInline):
    model = Label
    extra = 0
    fields = ["name", "colour", "aliases", "threshold", "position", "archived"]


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    list_display = ["name", "workspace", "model_version", "changed"]
    list_filter = ["workspace"]
    search_fields = ["name"]
    readonly_fields = ["version", "created_by"]
    inlines = [LabelInline]
