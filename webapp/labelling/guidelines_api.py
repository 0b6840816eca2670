"""What counts as a label, for programs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.labelling import guidelines
from webapp.projects.models import Label
from webapp.rest import Body, WorkspaceObjects, in_words


class GuidePictureSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    url = serializers.CharField(help_text="Good for a while.")
    is_right = serializers.BooleanField(help_text="false: an example of what it is not.")


class GuidelineSerializer(serializers.Serializer):
    """`number` grows with each change; 0: nothing was ever said."""

    number = serializers.IntegerField()
    text = serializers.CharField(allow_blank=True)
    changed = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(allow_blank=True)
    pictures = GuidePictureSerializer(many=True)


class WriteGuidelineSerializer(Body):
    text = serializers.CharField(max_length=guidelines.LONGEST, allow_blank=True)


class LabelGuideline(WorkspaceObjects):
    """What people who label or review see beside the picture."""

    queryset = Label.objects.select_related("project__workspace")
    serializer_class = GuidelineSerializer

    @extend_schema(summary="What counts as a label", responses=GuidelineSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(_told(self.get_object()))

    @extend_schema(
        summary="Say what counts as a label",
        description="What it said before is kept. Sent as it is already, nothing changes.",
        request=WriteGuidelineSerializer,
        responses=GuidelineSerializer,
    )
    def update(self, request: Request, pk: str) -> Response:
        label = self.get_object()
        text = self.sent(WriteGuidelineSerializer)["text"]
        with in_words():
            guidelines.write(label, text, by=request.user)
        return Response(_told(label))


def _told(label: Label) -> dict[str, Any]:
    last = label.guidelines.select_related("by").first()
    pictures = label.guide_pictures.filter(removed=None)
    told = {
        "number": last.pk if last else 0,
        "text": last.text if last else "",
        "changed": last.created if last else None,
        "by": str(last.by or "somebody who left") if last else "",
        "pictures": [{"id": one.pk, "url": one.link, "is_right": one.is_right} for one in pictures],
    }
    return dict(GuidelineSerializer(told).data)
