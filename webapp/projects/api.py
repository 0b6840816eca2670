from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.access import find
from webapp.accounts.models import Action
from webapp.projects.models import Label, Project, Reference
from webapp.projects.pictures import read_picture
from webapp.projects.serializers import (
    LabelChangeSerializer,
    LabelSerializer,
    NewLabelSerializer,
    NewProjectSerializer,
    NewReferenceSerializer,
    ProjectChangeSerializer,
    ProjectSerializer,
    ReferenceSerializer,
)
from webapp.registry.versions import ModelVersion
from webapp.rest import (
    Conflict,
    Id,
    InWorkspace,
    WorkspaceObjects,
    in_words,
    workspace_for,
)


class LabelQuery(InWorkspace):
    project = Id(required=False)


class ReferenceQuery(LabelQuery):
    label = Id(required=False)
    not_this = serializers.BooleanField(required=False, allow_null=True, default=None)


@extend_schema_view(
    list=extend_schema(summary="Projects"),
    retrieve=extend_schema(summary="One project with its labels"),
    create=extend_schema(
        summary="Begin a project",
        request=NewProjectSerializer,
        responses={201: ProjectSerializer},
    ),
    partial_update=extend_schema(
        summary="Rename a project, or change how it looks at frames",
        request=ProjectChangeSerializer,
        responses=ProjectSerializer,
    ),
)
class ProjectViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = Project.objects.prefetch_related("labels")
    serializer_class = ProjectSerializer
    queries = {"create": InWorkspace}

    def create(self, request: Request) -> Response:
        wish = self.sent(NewProjectSerializer)
        workspace = workspace_for(request, Action.ANALYSE, self.asked.get("workspace"))
        name = " ".join(wish["name"].split())
        brands = wish.get("brands", [])
        with in_words():
            project = Project.objects.begin(workspace, name, brands=brands, by=request.user)
        return Response(self.get_serializer(project).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        project = self.get_object()
        values = self.sent(ProjectChangeSerializer)
        if values.get("model_version"):
            chosen = find(ModelVersion, request, pk=values["model_version"].pk)
            if chosen.model.workspace_id != project.workspace_id:
                raise ValidationError({"model_version": ["It is of another workspace."]})
        with transaction.atomic(), in_words():
            _change(project, values, request)
        return Response(self.get_serializer(self.get_object()).data)


def _change(project: Project, values: dict[str, Any], request: Request) -> None:
    """Names and looks are two verbs of the project; each counts as one edit."""
    seen = values.pop("version", project.version)
    asked = values.pop("reviewed_only", project.reviewed_only)
    if asked != project.reviewed_only:
        project.ask_for_review(asked, by=request.user)
    if values.keys() & {"name", "description"}:
        name = " ".join(values.pop("name", project.name).split())
        description = values.pop("description", project.description)
        if not project.rename(name, description, seen=seen, by=request.user):
            raise Conflict
        seen += 1
    if values:
        sampling = project.sampling | values.get("sampling", {})
        done = project.configure(
            sampling=sampling,
            uses_references=values.get("uses_references", project.uses_references),
            model_version=values.get("model_version", project.model_version),
            seen=seen,
            by=request.user,
        )
        if not done:
            raise Conflict


@extend_schema_view(
    list=extend_schema(
        summary="Labels of projects, archived ones included",
    ),
    retrieve=extend_schema(summary="One label"),
    create=extend_schema(
        summary="Add a label to a project; one that was removed comes back",
        request=NewLabelSerializer,
        responses={201: LabelSerializer},
    ),
    partial_update=extend_schema(
        summary="Change a label", request=LabelChangeSerializer, responses=LabelSerializer
    ),
    destroy=extend_schema(summary="Remove a label; what runs found of it remains"),
)
class LabelViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    queryset = Label.objects.select_related("project__workspace")
    serializer_class = LabelSerializer
    queries = {"list": LabelQuery}

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, project="project")

    def create(self, request: Request) -> Response:
        wish = self.sent(NewLabelSerializer)
        project = self.find(Project, wish["project"])
        with in_words():
            label = project.add_label(wish["name"], by=request.user)
        return Response(self.get_serializer(label).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        label = self.get_object()
        wish = self.sent(LabelChangeSerializer)
        if wish:
            seen = label.project.version
            with in_words():
                if not label.edit(seen=seen, by=request.user, **wish):
                    raise Conflict
        return Response(self.get_serializer(label).data)

    def perform_destroy(self, label: Label) -> None:
        if label.archived is None:
            label.archive(by=self.request.user)


@extend_schema_view(
    list=extend_schema(
        summary="Logo pictures, and pictures of what is not the logo",
    ),
    retrieve=extend_schema(summary="One logo picture"),
    create=extend_schema(
        summary="Add a logo picture to a label",
        request={"multipart/form-data": NewReferenceSerializer},
        responses={201: ReferenceSerializer},
    ),
    destroy=extend_schema(summary="Remove a logo picture"),
)
class ReferenceViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    queryset = Reference.objects.select_related("label__project__workspace")
    serializer_class = ReferenceSerializer
    queries = {"list": ReferenceQuery}
    parser_classes = (MultiPartParser,)

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        found = self.matching(queryset, label="label", project="label__project")
        not_this = self.asked.get("not_this")
        return found if not_this is None else found.filter(not_this=not_this)

    def create(self, request: Request) -> Response:
        wish = self.sent(NewReferenceSerializer)
        label = self.find(Label, wish["label"])
        file = wish["picture"]
        with in_words():
            reference = label.add_reference(
                read_picture(file), file.name, by=request.user, not_this=wish["not_this"]
            )
        return Response(self.get_serializer(reference).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, reference: Reference) -> None:
        reference.remove(by=self.request.user)
