"""Datasets: their pictures, the work that fills them, and their versions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.projects.models import Project


@may(Action.VIEW)
def datasets(request: HttpRequest, pk: int) -> HttpResponse:
    """The datasets of a project."""
    project = find(Project, request, pk=pk)
    context = {"project": project, "datasets": project.datasets.all()}
    return render(request, "datasets/list.html", context)


@may(Action.VIEW)
def dataset(request: HttpRequest, pk: int) -> HttpResponse:
    found = find(Dataset.objects.select_related("project"), request, pk=pk)
    return render(request, "datasets/page.html", {"dataset": found, "project": found.project})


@may(Action.VIEW)
def version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    versions = DatasetVersion.objects.select_related("dataset__project")
    found = find(versions, request, dataset=pk, number=number)
    context = {"version": found, "dataset": found.dataset, "project": found.dataset.project}
    return render(request, "datasets/version.html", context)
