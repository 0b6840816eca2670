from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.assets.links import media_link
from webapp.projects.forms import MODES
from webapp.projects.models import Label, Project, Reference
from webapp.projects.offers import Offer
from webapp.registry.versions import ModelVersion
from webapp.rest import Body, Finite, Id


class SamplingSerializer(Body):
    """Which frames are looked at. `interval_s` is for `interval` and `adaptive`."""

    mode = serializers.ChoiceField(choices=[mode for mode, _, _ in MODES], required=False)
    interval_s = Finite(min_value=0.02, max_value=600, required=False)
    change = Finite(
        min_value=0,
        max_value=1,
        required=False,
        help_text="adaptive: how much of the picture must change for a frame to be looked at.",
    )
    tile = serializers.IntegerField(
        min_value=160,
        max_value=4096,
        required=False,
        allow_null=True,
        help_text="Also look in squares of so many pixels, for small logos.",
    )
    follow = serializers.BooleanField(
        required=False,
        help_text="Follow what is found from frame to frame, which is the default; else each "
        "frame is looked at as if there were no others.",
    )


class ReferenceSerializer(serializers.ModelSerializer):
    """`problem` says why nothing can be recognised by the picture, if so.

    What a worker measured is null until it has looked: `features` counts what it can be recognised
    by; `contrast` is the spread of its brightness in grey levels, `colour_contrast` that of its
    colour, 0 where it is not looked for by colour; `smallest_width` is the width in pixels of a
    1080p frame from which it is found, null where it was not found at any. `offers` says in
    sentences what that means, and what to do where it `is_weak`.
    """

    offers = serializers.SerializerMethodField()
    is_weak = serializers.SerializerMethodField(help_text="It will be missed where others are not.")
    picture = serializers.SerializerMethodField(help_text="A link; it expires.")

    class Meta:
        model = Reference
        fields = [
            *(
                "id",
                "label",
                "name",
                "sha256",
                "width",
                "height",
                "has_alpha",
                "not_this",
            ),
            *("features", "contrast", "colour_contrast", "smallest_width", "problem"),
            *("offers", "is_weak", "created", "picture"),
        ]

    def get_offers(self, reference: Reference) -> list[str]:
        return Offer.of(reference).sentences

    def get_is_weak(self, reference: Reference) -> bool:
        return Offer.of(reference).is_weak

    @extend_schema_field(OpenApiTypes.URI)
    def get_picture(self, reference: Reference) -> str:
        return self.context["request"].build_absolute_uri(media_link(reference.file))


class NewReferenceSerializer(Body):
    label = Id()
    picture = serializers.FileField(help_text="PNG, JPEG or WebP.")
    not_this = serializers.BooleanField(
        default=False,
        help_text="It shows what looks like the logo and is another thing: what rather resembles "
        "this picture is not counted, from the next run on.",
    )


class LabelSerializer(serializers.ModelSerializer):
    """`threshold` is for showing; everything above the floor of 0.05 is kept. With
    `threshold_by_hand` a person chose it, and no new version of a model changes it unasked."""

    class Meta:
        model = Label
        fields = [
            *("id", "project", "name", "colour", "aliases", "not_in", "is_ordinary", "threshold"),
            *("threshold_by_hand", "position", "archived"),
        ]


class NewLabelSerializer(Body):
    project = Id()
    name = serializers.CharField(max_length=60)


class LabelChangeSerializer(Body):
    name = serializers.CharField(max_length=60, required=False)
    colour = serializers.RegexField(r"^#[0-9a-fA-F]{6}$", required=False)
    aliases = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=30, required=False
    )
    not_in = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=30,
        required=False,
        help_text="Words in which it means something else, such as “apple pie”.",
    )
    is_ordinary = serializers.BooleanField(
        required=False,
        help_text="It is an ordinary word too: said, it counts only where it is used as a name.",
    )
    threshold = Finite(min_value=0.05, max_value=1, required=False)

    def validate_colour(self, colour: str) -> str:
        return colour.lower()


class ProjectSerializer(serializers.ModelSerializer):
    """`version` counts edits; send it back with a change, and a change on top of somebody
    else's is refused with 409."""

    workspace = serializers.PrimaryKeyRelatedField(read_only=True)  # of those one sees, never null
    sampling = SamplingSerializer()
    labels = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = [
            *("id", "workspace", "name", "description", "sampling", "uses_references"),
            *("model_version", "reviewed_only", "version", "created", "changed", "labels"),
        ]

    @extend_schema_field(LabelSerializer(many=True))
    def get_labels(self, project: Project) -> list[dict[str, Any]]:
        current = [label for label in project.labels.all() if label.archived is None]
        return LabelSerializer(current, many=True).data


class NewProjectSerializer(Body):
    name = serializers.CharField(max_length=80)
    brands = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=Project.MAX_LABELS, required=False
    )


class ProjectChangeSerializer(Body):
    name = serializers.CharField(max_length=80, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    sampling = SamplingSerializer(required=False)
    uses_references = serializers.BooleanField(required=False)
    model_version = serializers.PrimaryKeyRelatedField(
        queryset=ModelVersion.objects.all(), required=False, allow_null=True
    )
    reviewed_only = serializers.BooleanField(
        required=False,
        help_text="Of labelling jobs, only what a reviewer has accepted goes into its datasets.",
    )
    version = serializers.IntegerField(required=False)
