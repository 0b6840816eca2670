"""Deleting by the API, which must know all that hangs on a project or dataset."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from webapp import removal
from webapp.datasets.api import DatasetViewSet as Datasets
from webapp.projects.api import ProjectViewSet as Projects
from webapp.rest import in_words

_REFUSED = "422 says what is in the middle of something: labelling, a training, a measurement."


class ProjectViewSet(Projects):
    @extend_schema(
        summary="Delete a project with its runs, labels and datasets",
        description=f"Assets, trained models and issued reports stay. {_REFUSED}",
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        project = self.get_object()
        with in_words():
            removal.delete_project(project, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DatasetViewSet(Datasets):
    @extend_schema(
        summary="Delete a dataset with its pictures, labelling jobs and versions",
        description="Trained models stay, with a record of the versions they were trained and "
        f"measured on. {_REFUSED}",
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        dataset = self.get_object()
        with in_words():
            removal.delete_dataset(dataset, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
