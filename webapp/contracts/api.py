from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from analysis.contracting import Status
from webapp.assets.models import Collection
from webapp.contracts.delivered import check
from webapp.contracts.issued import ContractLink
from webapp.contracts.models import Contract, IssuedContract
from webapp.contracts.serializers import (
    ChangeContractSerializer,
    ContractDetailSerializer,
    ContractLinkSerializer,
    ContractSerializer,
    IssueContractSerializer,
    IssuedContractDetailSerializer,
    IssuedContractSerializer,
    MakeContractLinkSerializer,
    MakeContractSerializer,
)
from webapp.projects.models import Label
from webapp.rest import Id, InWorkspace, WorkspaceObjects, in_words


class ContractQuery(InWorkspace):
    project = Id(required=False)
    status = serializers.ChoiceField([one.value for one in Status], required=False)


class IssuedContractViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """Contract reports that were issued. Their figures never change."""

    queries = {"list": InWorkspace}
    queryset = IssuedContract.objects.select_related("workspace", "contract", "issued_by")

    def get_serializer_class(self) -> type[BaseSerializer]:
        one = IssuedContractDetailSerializer
        return IssuedContractSerializer if self.action == "list" else one

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset).order_by("-pk")

    @extend_schema(
        summary="Withdraw an issued report; its links stop working", responses={204: None}
    )
    def destroy(self, request: Request, pk: str) -> Response:
        self.get_object().withdraw(by=request.user)
        return Response(status=204)

    @extend_schema(
        summary="Links that show it to whoever has them",
        responses=ContractLinkSerializer(many=True),
    )
    @action(detail=True, pagination_class=None, filter_backends=[])
    def links(self, request: Request, pk: str) -> Response:
        found = self.get_object().links.select_related("created_by").order_by("-created")
        return Response(ContractLinkSerializer(found, many=True).data)

    @extend_schema(
        summary="Make a link that shows it to whoever has it",
        description="Its address is in the answer, this once.",
        request=MakeContractLinkSerializer,
        responses={201: ContractLinkSerializer},
    )
    @links.mapping.post
    def share(self, request: Request, pk: str) -> Response:
        report = self.get_object()
        days = self.sent(MakeContractLinkSerializer)["days"]
        link, token = ContractLink.make(report, by=request.user, days=days)
        url = request.build_absolute_uri(reverse("shared-contract", args=[token]))
        told = ContractLinkSerializer(link, context={"url": url}).data
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


class ContractLinkViewSet(WorkspaceObjects):
    """Links to contract reports."""

    queryset = ContractLink.objects.select_related("report__workspace")
    serializer_class = ContractLinkSerializer

    @extend_schema(summary="End a link to a contract report", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        self.get_object().revoke(by=request.user)
        return Response(status=204)


class ContractViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """What sponsors were promised, and how it stands."""

    parser_classes = (JSONParser,)  # a form has neither promises by their names nor null
    queries = {"list": ContractQuery}
    queryset = Contract.objects.select_related(
        "workspace", "project", "label", "collection", "created_by"
    )

    def get_serializer_class(self) -> type[BaseSerializer]:
        return ContractSerializer if self.action == "list" else ContractDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, project="project", status="status").order_by("pk")

    @extend_schema(summary="The contracts, as they stood when they were looked at last")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="One contract and how it stands now", responses=ContractDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Make a contract",
        request=MakeContractSerializer,
        responses={201: ContractDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self._named(self.sent(MakeContractSerializer))
        workspace = wish["label"].project.workspace
        with in_words():
            made = Contract.objects.make(workspace, by=request.user, **wish)
        check(made)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(
        summary="Change a contract",
        request=ChangeContractSerializer,
        responses=ContractDetailSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        contract = self.get_object()
        wish = self._named(self.sent(ChangeContractSerializer))
        with in_words():
            contract.change(by=request.user, **wish)
        check(contract)
        return Response(self.get_serializer(contract).data)

    @extend_schema(summary="Delete a contract", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        self.get_object().remove(by=request.user)
        return Response(status=204)

    @extend_schema(
        summary="Issue a report of how it stands now, which never changes",
        request=IssueContractSerializer,
        responses={201: IssuedContractDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def issue(self, request: Request, pk: str) -> Response:
        contract = self.get_object()
        title = self.sent(IssueContractSerializer)["title"]
        with in_words():
            made = IssuedContract.issue(contract, check(contract), title=title, by=request.user)
        return Response(IssuedContractDetailSerializer(made).data, status=201)

    def _named(self, wish: dict[str, Any]) -> dict[str, Any]:
        """With the rows that it names by their numbers."""
        if "label" in wish:
            wish["label"] = self.find(
                Label.objects.select_related("project__workspace"), wish["label"]
            )
        if wish.get("collection") is not None:
            wish["collection"] = self.find(Collection, wish["collection"])
        return wish
