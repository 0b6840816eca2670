from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analysis.datasets.formats import TITLES
from analysis.datasets.split import Recipe
from analysis.errors import AnalysisError
from webapp.assets.links import media_link
from webapp.datasets.dataset import Dataset
from webapp.datasets.forms import GROUNDS, HOWS
from webapp.datasets.importing import MAX_FILES, UNMENTIONED
from webapp.datasets.samples import Annotation, Sample, Split
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.rest import Body, Finite, Id


class DatasetSerializer(serializers.ModelSerializer):
    class Meta:
        model = Dataset
        fields = ["id", "project", "name", "task", "created"]


class NewDatasetSerializer(Body):
    project = Id()
    name = serializers.CharField(max_length=80)
    task = serializers.ChoiceField(Dataset.Task.choices, default=Dataset.Task.BOXES)


class DatasetChangeSerializer(Body):
    name = serializers.CharField(max_length=80, required=False)


class AnnotationSerializer(serializers.ModelSerializer):
    """`box`: x1, y1, x2, y2 as fractions of the displayed picture."""

    label = serializers.CharField(source="label.name")
    box = serializers.ListField(child=serializers.FloatField(), min_length=4, max_length=4)

    class Meta:
        model = Annotation
        fields = ["label", "box", "occluded", "track", "source"]


class SampleSerializer(serializers.ModelSerializer):
    """`labels` are of the whole picture; `boxes` of things on it. Neither, and yet `labelled`:
    nothing is on it."""

    boxes = AnnotationSerializer(source="annotations", many=True)
    labels = serializers.SerializerMethodField()
    picture = serializers.SerializerMethodField(help_text="A link; it expires.")

    class Meta:
        model = Sample
        fields = [
            *("id", "dataset", "source", "sha256", "width", "height", "asset", "time_s", "origin"),
            *("state", "boxes", "labels", "given_split", "is_golden", "uncertainty", "version"),
            *("created", "changed", "picture"),
        ]

    @extend_schema_field(OpenApiTypes.URI)
    def get_picture(self, sample: Sample) -> str:
        return self.context["request"].build_absolute_uri(media_link(sample.file))

    def get_labels(self, sample: Sample) -> list[str]:
        names = self.context.setdefault("names", {})
        if sample.labels and sample.dataset_id not in names:
            rows = sample.dataset.project.labels.values_list("pk", "name")
            names[sample.dataset_id] = dict(rows)
        known = names.get(sample.dataset_id, {})
        return [known[pk] for pk in sample.labels if pk in known]


class NewBoxSerializer(Body):
    label = serializers.CharField(max_length=60)
    box = serializers.ListField(child=Finite(), min_length=4, max_length=4)
    occluded = serializers.BooleanField(default=False)


class SampleChangeSerializer(Body):
    """What is given replaces what was said. `version`: the one that was read, so that nobody's
    work is overwritten unseen."""

    version = serializers.IntegerField(required=False)
    boxes = NewBoxSerializer(many=True, required=False)
    labels = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    given_split = serializers.ChoiceField(Split.choices, allow_blank=True, required=False)
    is_golden = serializers.BooleanField(required=False)


class RecipeSerializer(Body):
    """Shares are parts of the real pictures and add up to 1."""

    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    train = Finite(min_value=0, max_value=1, required=False)
    val = Finite(min_value=0, max_value=1, required=False)
    test = Finite(min_value=0, max_value=1, required=False)
    near = serializers.IntegerField(
        min_value=-1, max_value=32, required=False, help_text="Bits; -1: not looked for."
    )
    given = serializers.BooleanField(required=False)
    synthetic = serializers.BooleanField(required=False)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        try:
            return Recipe.of(values).as_json()
        except AnalysisError as error:
            raise serializers.ValidationError(error.message) from error


class DatasetVersionSerializer(serializers.ModelSerializer):
    """`counts`: its statistics. `download`: all of it as gzipped JSON, once it is done."""

    download = serializers.SerializerMethodField(help_text="A link; it expires.")

    class Meta:
        model = DatasetVersion
        fields = [
            *("id", "dataset", "number", "status", "error", "recipe", "sha256", "counts", "note"),
            *("created", "download"),
        ]

    @extend_schema_field(OpenApiTypes.URI)
    def get_download(self, version: DatasetVersion) -> str | None:
        if not version.is_frozen:
            return None
        return self.context["request"].build_absolute_uri(media_link(version.file))


class NewVersionSerializer(Body):
    dataset = Id()
    recipe = RecipeSerializer(required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class TransferSerializer(serializers.ModelSerializer):
    """`download`: where the file of an export is, while it is kept; a link that expires."""

    download = serializers.SerializerMethodField()

    class Meta:
        model = Transfer
        fields = [
            *("id", "dataset", "kind", "status", "progress", "error", "report", "is_cancelled"),
            *("options", "created", "finished", "download"),
        ]

    def get_download(self, row: Transfer) -> str | None:
        return media_link(row.file, download_as=row.file_name) if row.is_kept else None


class SetImportSerializer(Body):
    """An archive, or a file of labels with its pictures; or the ids of resumable uploads."""

    file = serializers.ListField(
        child=serializers.FileField(), required=False, max_length=MAX_FILES, default=list
    )
    uploads = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MAX_FILES, default=list
    )
    format = serializers.ChoiceField(
        list(TITLES), allow_blank=True, default="", help_text="empty: recognise it"
    )
    make_labels = serializers.BooleanField(default=True)
    unmentioned = serializers.ChoiceField(
        UNMENTIONED, default="take", help_text="pictures that nothing is said of"
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values["file"] and not values["uploads"]:
            raise serializers.ValidationError({"file": ["Send a file, or the ids of uploads."]})
        return values


class BringInSerializer(Body):
    unmentioned = serializers.ChoiceField(
        UNMENTIONED,
        required=False,
        help_text="pictures that nothing is said of; without, as it was looked into",
    )


class SetExportSerializer(Body):
    """`version`: the number of a frozen version; without, the dataset as it is now."""

    format = serializers.ChoiceField(list(TITLES))
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, default=None
    )
    pictures = serializers.BooleanField(default=True)


class TakeSerializer(Body):
    """`how`: "pictures" takes assets that are pictures as they are; the others take frames."""

    assets = serializers.ListField(child=Id(), min_length=1, max_length=5000)
    how = serializers.ChoiceField(["pictures", *(how for how, _, _ in HOWS)], default="pictures")
    every_s = Finite(min_value=0.04, max_value=3600, default=1.0)
    most = serializers.IntegerField(min_value=1, max_value=2000, default=100)


class SynthesiseSerializer(Body):
    """Pictures made of the logos of these labels: their logo files, else their references."""

    labels = serializers.ListField(child=serializers.CharField(max_length=60), min_length=1)
    count = serializers.IntegerField(min_value=1, max_value=20_000, default=500)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    backgrounds = serializers.ChoiceField([ground for ground, _, _ in GROUNDS], default="made")
    assets = serializers.ListField(child=Id(), default=list, max_length=100)
