from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.serializers import BaseSerializer

from webapp.reports.models import Report
from webapp.reports.serializers import ReportDetailSerializer, ReportSerializer
from webapp.rest import WorkspaceObjects


@extend_schema_view(
    list=extend_schema(summary="Issued reports"),
    retrieve=extend_schema(summary="One report with its numbers", responses=ReportDetailSerializer),
)
class ReportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = Report.objects.prefetch_related("runs")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return ReportSerializer if self.action == "list" else ReportDetailSerializer
