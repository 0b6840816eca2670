from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from analysis.sky.pyramid import BLOCK, Layout
from webapp.rest import Body, Finite, InWorkspace, WorkspaceObjects, in_words
from webapp.sky.blocks import block_response
from webapp.sky.exposures import SkyExposure


class SkyExposureSerializer(serializers.ModelSerializer):
    """Times are modified Julian dates in UTC of the middle of the exposure, angles degrees, levels
    in the unit of the picture, pixels counted from 0 at the centre of the first."""

    asset = serializers.IntegerField(source="asset_id", read_only=True)
    name = serializers.CharField(source="asset.name", read_only=True)
    width = serializers.IntegerField(source="asset.width", read_only=True)
    height = serializers.IntegerField(source="asset.height", read_only=True)

    class Meta:
        model = SkyExposure
        fields = [
            *("asset", "name", "width", "height", "extension", "n_extensions", "is_bottom_up"),
            *("middle_mjd", "seconds", "band", "object_name", "role", "has_wcs", "ra", "dec"),
            *("scale_arcsec", "rotation", "gain", "read_noise", "saturation", "quantisation"),
            *("n_bad", "sky_level", "sky_noise", "fwhm", "notes"),
        ]
        read_only_fields = fields


class LevelSerializer(serializers.Serializer):
    level = serializers.IntegerField(help_text="0 has the pixels themselves.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    rows = serializers.IntegerField(help_text="Of blocks.")
    columns = serializers.IntegerField(help_text="Of blocks.")


class SkyExposureDetailSerializer(SkyExposureSerializer):
    block = serializers.SerializerMethodField(help_text="Pixels to a side of a block.")
    blocks = serializers.SerializerMethodField(
        help_text="The address of a block, with LEVEL, ROW and COLUMN in it; null: not there yet."
    )
    levels = serializers.SerializerMethodField()

    class Meta(SkyExposureSerializer.Meta):
        fields = [
            *SkyExposureSerializer.Meta.fields,
            *("pictures", "plate", "stretch", "header", "block", "blocks", "levels"),
        ]
        read_only_fields = fields

    def get_block(self, sky: SkyExposure) -> int:
        return BLOCK

    def get_blocks(self, sky: SkyExposure) -> str | None:
        made = sky.pyramid
        if made is None:
            return None
        args = [sky.pk, made.data["mark"], "LEVEL-ROW-COLUMN"]
        return reverse("api-sky-exposure-block", args=args, request=self.context["request"])

    @extend_schema_field(LevelSerializer(many=True))
    def get_levels(self, sky: SkyExposure) -> list[dict[str, int]]:
        layout = Layout((sky.asset.height, sky.asset.width))
        return [
            {
                "level": level,
                "width": width,
                "height": height,
                "rows": layout.blocks(level)[0],
                "columns": layout.blocks(level)[1],
            }
            for level, (height, width) in enumerate(layout.levels)
        ]


class SkyExposureQuery(InWorkspace):
    role = serializers.ChoiceField(SkyExposure.Role.values, required=False)
    band = serializers.CharField(required=False, allow_blank=True)
    has_wcs = serializers.BooleanField(required=False)
    after_mjd = Finite(
        min_value=0, required=False, help_text="Whose middle is at this time or later."
    )
    before_mjd = Finite(min_value=0, required=False, help_text="Whose middle is before this time.")


class SkyExposureChangeSerializer(Body):
    """What may be changed of a sky exposure."""

    role = serializers.ChoiceField(SkyExposure.Role.values, required=False)
    extension = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=10**6,
        help_text="Another picture of the file (`pictures` says which there are): the asset is "
        "prepared anew.",
    )


@extend_schema_view(
    list=extend_schema(summary="Sky exposures, the newest asset first"),
    retrieve=extend_schema(
        summary="A sky exposure, with its header and where its pixels are",
        responses=SkyExposureDetailSerializer,
    ),
    partial_update=extend_schema(
        summary="Say what an exposure is for, or which picture of its file is used",
        request=SkyExposureChangeSerializer,
        responses=SkyExposureDetailSerializer,
    ),
)
class SkyExposureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"list": SkyExposureQuery}
    queryset = SkyExposure.objects.filter(asset__removed=None).select_related("asset__workspace")

    def get_serializer_class(self) -> type[serializers.BaseSerializer]:
        return SkyExposureSerializer if self.action == "list" else SkyExposureDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        found = self.matching(
            queryset,
            role="role",
            band="band",
            has_wcs="has_wcs",
            after_mjd="middle_mjd__gte",
            before_mjd="middle_mjd__lt",
        )
        return found.order_by("-asset")

    def partial_update(self, request: Request, pk: str) -> Response:
        sky: SkyExposure = self.get_object()
        wish = self.sent(SkyExposureChangeSerializer)
        with in_words(), transaction.atomic():  # both or nothing
            if "role" in wish:
                sky.say_role(wish["role"], by=request.user)
            if "extension" in wish and wish["extension"] != sky.extension:
                sky.show_extension(wish["extension"], by=request.user)
        return Response(self.get_serializer(sky).data, status=status.HTTP_200_OK)

    @extend_schema(
        summary="One block of its pixels",
        description="float32, little-endian, row after row from the first of the file; NaN where "
        "there is no number. `blocks` of the exposure gives the address.",
        parameters=[
            OpenApiParameter("mark", str, OpenApiParameter.PATH, description="Of these pixels."),
            OpenApiParameter("place", str, OpenApiParameter.PATH, description="level-row-column"),
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True, url_path=r"blocks/(?P<mark>[0-9a-f]{16})/(?P<place>[^/]+)")
    def block(self, request: Request, pk: str, mark: str, place: str) -> HttpResponse:
        return block_response(request, self.get_object(), mark, place)
