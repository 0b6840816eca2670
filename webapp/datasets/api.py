from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from webapp.assets.models import Asset
from webapp.datasets import importing
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample, labels_by_word
from webapp.datasets.serializers import (
    BringInSerializer,
    DatasetChangeSerializer,
    DatasetSerializer,
    DatasetVersionSerializer,
    NewDatasetSerializer,
    NewVersionSerializer,
    SampleChangeSerializer,
    SampleSerializer,
    SetExportSerializer,
    SetImportSerializer,
    SynthesiseSerializer,
    TakeSerializer,
    TransferSerializer,
)
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.rest import (
    Conflict,
    Id,
    InWorkspace,
    Unacceptable,
    WorkspaceObjects,
    in_words,
)


class OfDatasetQuery(InWorkspace):
    dataset = Id(required=False)


class OfProjectQuery(InWorkspace):
    project = Id(required=False)


class SampleQuery(OfDatasetQuery):
    state = serializers.ChoiceField(Sample.State.values, required=False)
    origin = serializers.ChoiceField(Sample.Origin.values, required=False)


class _OfDataset(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """What hangs on a dataset, and can be listed by it."""

    queries = {"list": OfDatasetQuery}

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, dataset="dataset")


@extend_schema_view(
    list=extend_schema(summary="Datasets"),
    retrieve=extend_schema(summary="One dataset"),
    partial_update=extend_schema(
        summary="Rename a dataset",
        request=DatasetChangeSerializer,
        responses=DatasetSerializer,
    ),
    create=extend_schema(
        summary="Make a dataset in a project",
        request=NewDatasetSerializer,
        responses={201: DatasetSerializer},
    ),
)
class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = Dataset.objects.select_related("project__workspace")
    serializer_class = DatasetSerializer
    queries = {"list": OfProjectQuery}

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, project="project")

    def create(self, request: Request) -> Response:
        values = self.sent(NewDatasetSerializer)
        project = self.find(Project, values["project"])
        with in_words():
            made = Dataset.objects.begin(
                project, values["name"], task=values["task"], by=request.user
            )
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        dataset = self.get_object()
        wish = self.sent(DatasetChangeSerializer)
        if "name" in wish:
            with in_words():
                dataset.rename(wish["name"], by=request.user)
        return Response(self.get_serializer(dataset).data)

    @extend_schema(
        summary="Take pictures, or frames of videos, out of the library",
        request=TakeSerializer,
        responses={202: TransferSerializer},
    )
    @action(detail=True, methods=["post"])
    def take(self, request: Request, pk: str) -> Response:
        dataset = self.get_object()
        options = self.sent(TakeSerializer)
        options["assets"] = self._present(dataset, options["assets"])
        return self._asked(dataset, "frames", options)

    @extend_schema(
        summary="Make pictures of logos, marked synthetic",
        request=SynthesiseSerializer,
        responses={202: TransferSerializer},
    )
    @action(detail=True, methods=["post"])
    def synthesise(self, request: Request, pk: str) -> Response:
        dataset = self.get_object()
        options = self.sent(SynthesiseSerializer)
        if dataset.task != Dataset.Task.BOXES:
            raise Unacceptable("Only pictures with boxes can be made.")
        if options["backgrounds"] == "frames" and not options["assets"]:
            raise Unacceptable("Name the assets whose frames are the backgrounds.")
        options["assets"] = self._present(dataset, options["assets"])
        options["logos"] = [r for name in options.pop("labels") for r in _logos(dataset, name)]
        return self._asked(dataset, "synthesis", options)

    @extend_schema(
        summary="Look into files of another tool; nothing changes yet",
        request={
            "multipart/form-data": SetImportSerializer,
            "application/json": SetImportSerializer,
        },
        responses={202: TransferSerializer},
    )
    @action(detail=True, methods=["post"])
    def imports(self, request: Request, pk: str) -> Response:
        """What it would bring is in the transfer's report; its `bring-in` then does it."""
        dataset = self.get_object()
        values = self.sent(SetImportSerializer)
        with in_words():
            row = importing.look_into(
                dataset,
                values["file"],
                values["uploads"],
                format=values["format"],
                make_labels=values["make_labels"],
                unmentioned=values["unmentioned"],
                by=request.user,
            )
        return Response(TransferSerializer(row).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Write it in the format of another tool",
        request=SetExportSerializer,
        responses={202: TransferSerializer},
    )
    @action(detail=True, methods=["post"])
    def exports(self, request: Request, pk: str) -> Response:
        """The transfer has a link to the file when it is done."""
        dataset = self.get_object()
        options = self.sent(SetExportSerializer)
        number = options["version"]
        frozen = dataset.versions.filter(status=Status.DONE)
        if number is not None and not frozen.filter(number=number).exists():
            raise Unacceptable(f"There is no version {number} of this dataset.")
        return self._asked(dataset, "export", options)

    def _present(self, dataset: Dataset, ids: list[int]) -> list[int]:
        found = Asset.objects.filter(pk__in=ids, workspace=dataset.project.workspace)
        present = set(found.values_list("pk", flat=True))
        if missing := [pk for pk in ids if pk not in present]:
            raise Unacceptable(f"There is no asset {missing[0]} in this workspace.")
        return list(dict.fromkeys(ids))

    def _asked(self, dataset: Dataset, kind: str, options: dict[str, Any]) -> Response:
        row = Transfer.objects.request(dataset, kind, options=options, by=self.request.user)
        return Response(TransferSerializer(row).data, status=status.HTTP_202_ACCEPTED)


def _logos(dataset: Dataset, name: str) -> list[dict[str, Any]]:
    """The logo files of a label; where it has none, its logo pictures."""
    label = labels_by_word(dataset.project).get(name.casefold())
    if label is None:
        raise Unacceptable(f"There is no label called {name} in this project.")
    files = [
        {"label": label.name, "file": logo.file, "name": logo.name, "logo_file": logo.pk}
        for logo in dataset.logo_files.filter(label=label)
    ]
    pictures = [
        {"label": label.name, "file": reference.file, "name": reference.name}
        for reference in label.references.logos()
    ]
    if not (files or pictures):
        raise Unacceptable(f"{label.name} has no logo file to make pictures of.")
    return files or pictures


@extend_schema_view(
    list=extend_schema(
        summary="Pictures of datasets with what is on them",
    ),
    retrieve=extend_schema(summary="One picture"),
    partial_update=extend_schema(
        summary="Say what is on a picture, or which split it is for",
        request=SampleChangeSerializer,
        responses=SampleSerializer,
    ),
    destroy=extend_schema(summary="Take a picture out; versions keep it"),
)
class SampleViewSet(_OfDataset):
    queryset = Sample.objects.current().select_related("dataset__project")
    serializer_class = SampleSerializer
    queries = {"list": SampleQuery}

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        queryset = super().filter_queryset(queryset).prefetch_related("annotations__label")
        return self.matching(queryset, state="state", origin="origin")

    def partial_update(self, request: Request, pk: str) -> Response:
        sample = self.get_object()
        wish = self.sent(SampleChangeSerializer)
        with transaction.atomic(), in_words():
            _change(sample.pk, wish, request)
        return Response(self.get_serializer(self.get_object()).data)

    def destroy(self, request: Request, pk: str) -> Response:
        sample = self.get_object()
        sample.dataset.remove_pictures([sample.pk], by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _change(pk: int, values: dict[str, Any], request: Request) -> None:
    """Write under a lock, so that of two who read the same version the second is told."""
    sample = Sample.objects.select_for_update().get(pk=pk)
    if values.pop("version", sample.version) != sample.version:
        raise Conflict
    if values.get("is_golden") and sample.origin == Sample.Origin.SYNTHETIC:
        raise Unacceptable("A synthetic picture cannot be golden.")
    if "boxes" in values:
        boxes = [
            LabelledBox(row["label"], Box(*row["box"]), row["occluded"])
            for row in values.pop("boxes")
        ]
        sample.annotate(boxes, by=request.user)
    if "labels" in values:
        sample.set_labels(values.pop("labels"), by=request.user)
    if values:
        Sample.objects.filter(pk=pk).update(**values, version=sample.version + 1)


@extend_schema_view(
    list=extend_schema(summary="Versions of datasets"),
    retrieve=extend_schema(summary="One version with its statistics"),
    create=extend_schema(
        summary="Freeze a version",
        request=NewVersionSerializer,
        responses={202: DatasetVersionSerializer},
    ),
)
class DatasetVersionViewSet(_OfDataset):
    queryset = DatasetVersion.objects.select_related("dataset__project__workspace")
    serializer_class = DatasetVersionSerializer

    def create(self, request: Request) -> Response:
        values = self.sent(NewVersionSerializer)
        dataset = self.find(Dataset, values["dataset"])
        with in_words():
            made = DatasetVersion.objects.request(
                dataset,
                recipe=values.get("recipe", {}),
                note=values.get("note", ""),
                by=request.user,
            )
        return Response(self.get_serializer(made).data, status=status.HTTP_202_ACCEPTED)


@extend_schema_view(
    list=extend_schema(
        summary="Imports, exports, frames taken and pictures made",
    ),
    retrieve=extend_schema(summary="How one of them stands"),
)
class TransferViewSet(_OfDataset):
    queryset = Transfer.objects.select_related("dataset__project__workspace")
    serializer_class = TransferSerializer

    @extend_schema(summary="Stop it; what it stored stays", request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        row.cancel()
        row.refresh_from_db()
        return Response(self.get_serializer(row).data)

    @extend_schema(summary="Import what was looked into", request=BringInSerializer)
    @action(detail=True, methods=["post"], url_path="bring-in")
    def bring_in(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        with in_words():
            made = importing.bring_in(row, **self.sent(BringInSerializer), by=request.user)
        return Response(self.get_serializer(made).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Begin it again after a failure", request=None)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        row.retry()
        row.refresh_from_db()
        return Response(self.get_serializer(row).data)
