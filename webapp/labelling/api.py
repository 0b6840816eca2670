from __future__ import annotations

from dataclasses import asdict

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.access import find
from webapp.accounts.models import Refused, User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.labelling import figures, making, parts, quality
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.parts_api import PartDoubtSerializer, SettlePartDoubtSerializer
from webapp.labelling.serializers import (
    InvitationSerializer,
    InvitedAllSerializer,
    JobFiguresSerializer,
    JobSerializer,
    NewJobSerializer,
    NewPartsSerializer,
    PartSerializer,
    PersonSerializer,
)
from webapp.projects.models import Project
from webapp.rest import Conflict, Id, InWorkspace, WorkspaceObjects, in_words


class JobQuery(InWorkspace):
    dataset = Id(required=False)
    status = serializers.ChoiceField(LabelingJob.Status.values, required=False)


@extend_schema_view(
    list=extend_schema(
        summary="Labelling jobs, newest first",
    ),
    retrieve=extend_schema(summary="One labelling job and how far it is"),
    create=extend_schema(
        summary="Make a labelling job of a dataset's pictures",
        request=NewJobSerializer,
        responses={201: JobSerializer},
    ),
)
class LabelingJobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = LabelingJob.objects.made().select_related("dataset__project__workspace")
    serializer_class = JobSerializer
    queries = {"list": JobQuery}

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, dataset="dataset", status="status")

    def create(self, request: Request) -> Response:
        values = self.sent(NewJobSerializer)
        dataset = self.find(Dataset, values.pop("dataset"))
        samples = values.pop("samples", None)
        if samples is None:
            new = dataset.samples.current().filter(state=Sample.State.NEW, is_golden=False)
            samples = list(new.values_list("pk", flat=True))
        with in_words():
            job = LabelingJob.objects.begin(
                dataset, values.pop("title"), samples=samples, by=request.user, **values
            )
        return Response(self.get_serializer(job).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Who works in it, and how they do",
        description="For those who may change the job: it has scores of people.",
        responses=PersonSerializer(many=True),
    )
    @action(detail=True, pagination_class=None, filter_backends=[])
    def people(self, request: Request, pk: str) -> Response:
        job = find(self.get_queryset(), request, self.change, pk=pk)
        return Response(PersonSerializer(figures.people(job), many=True).data)

    @extend_schema(
        summary="How people's labels hold up: time, review, agreement",
        description="For those who may change the job.",
        responses=JobFiguresSerializer,
    )
    @action(detail=True)
    def figures(self, request: Request, pk: str) -> Response:
        job = find(self.get_queryset(), request, self.change, pk=pk)
        return _figures(job.works())

    @extend_schema(
        summary="Invite people to it by e-mail",
        description="Who is new becomes a labeller of the workspace. Their sign-in links are in "
        "the answer, this once.",
        request=InvitationSerializer,
        responses=InvitedAllSerializer,
    )
    @action(detail=True, methods=["post"])
    def invite(self, request: Request, pk: str) -> Response:
        job = self.get_object()
        wish = self.sent(InvitationSerializer)
        emails = list(dict.fromkeys(wish["emails"]))
        invited, refused = making.invite(job, emails, by=request.user)
        answer = {"invited": [asdict(one) for one in invited], "refused": refused}
        return Response(answer, headers={"Cache-Control": "no-store"})

    @extend_schema(
        summary="Add parts of a video to it, for people to label",
        request=NewPartsSerializer,
        responses={201: PartSerializer(many=True)},
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def parts(self, request: Request, pk: str) -> Response:
        job = self.get_object()
        wish = self.sent(NewPartsSerializer)
        asset = self.find(Asset, wish.pop("asset"))
        members = User.objects.filter(memberships__workspace=job.workspace)
        asked = wish.pop("people", [])
        people = [members.filter(pk=one).first() for one in asked]
        with in_words():
            if None in people:
                raise Refused("One of these people is not in the workspace.")
            with transaction.atomic():
                items = job.add_clips(making.clips(asset, **wish), by=request.user)
                for i, item in enumerate(items if people else []):
                    parts.give(item, people[i % len(people)], by=request.user)
        rows = job.items.filter(pk__in=[item.pk for item in items])
        return Response(PartSerializer(rows, many=True).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Where parts of its films meet and a person has to say what is the same",
        description="For those who may change the job, as all of its results that are done.",
        responses=PartDoubtSerializer(many=True),
    )
    @action(detail=True, pagination_class=None, filter_backends=[])
    def doubts(self, request: Request, pk: str) -> Response:
        job = find(self.get_queryset(), request, self.change, pk=pk)
        return Response(PartDoubtSerializer(parts.doubts(job), many=True).data)

    @extend_schema(
        summary="Say whether what meets there is one track",
        description="It stands in place of what was said before. What is left is in the answer.",
        request=SettlePartDoubtSerializer,
        responses=PartDoubtSerializer(many=True),
    )
    @doubts.mapping.post
    def settle_doubt(self, request: Request, pk: str) -> Response:
        job = self.get_object()
        wish = self.sent(SettlePartDoubtSerializer)
        item = get_object_or_404(job.items, pk=wish["part"])
        other = wish.get("other")
        second = get_object_or_404(job.items, pk=other) if other else None
        other_shape = wish.get("other_shape", "") if second else ""
        with in_words():
            parts.say(item, wish["shape"], second, other_shape, same=wish["same"], by=request.user)
        return Response(PartDoubtSerializer(parts.doubts(job), many=True).data)

    @extend_schema(
        summary="End it early; what is done goes into the dataset",
        request=None,
        responses=JobSerializer,
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        job = self.get_object()
        if not job.close(by=request.user):
            raise Conflict(f"The job is {job.status} already.")
        return Response(self.get_serializer(job).data)


class ProjectLabellingFigures(WorkspaceObjects):
    """How people's labels hold up over all labelling jobs of a project."""

    queryset = Project.objects.all()
    serializer_class = JobFiguresSerializer

    @extend_schema(
        summary="How people's labels hold up in all jobs of a project",
        description="For those who may change the project.",
        responses=JobFiguresSerializer,
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        project = find(self.get_queryset(), request, self.change, pk=pk)
        return _figures(quality.works_of(project))


def _figures(works: QuerySet) -> Response:
    agreed = quality.agreed(works)
    answer = {"people": quality.rows(works), "alpha": agreed.alpha, "n_pictures": agreed.n_pictures}
    return Response(JobFiguresSerializer(answer).data)
