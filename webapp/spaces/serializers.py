from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.assets.models import Asset
from webapp.rest import Body, Id
from webapp.spaces.codes import LONGEST_NAME, Code
from webapp.spaces.indexes import SpaceIndex
from webapp.spaces.options import KEYS
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining


class SpaceIndexSerializer(serializers.ModelSerializer):
    class Meta:
        model = SpaceIndex
        fields = ["modality", "status", "n_items", "progress", "error"]


class SpaceSerializer(serializers.ModelSerializer):
    """`state` says whether it answers searches (`serving`), will when it is indexed (`coming`), or
    is kept."""

    engines = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="The encoder of each modality."
    )
    pairs = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="What it can compare, such as `picture+text`.",
    )
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)
    indexes = SpaceIndexSerializer(many=True, read_only=True)

    class Meta:
        model = Space
        fields = [
            *("id", "workspace", "number", "kind", "state", "version", "engines", "pairs", "notes"),
            *("indexes", "created"),
        ]


class SpaceDetailSerializer(SpaceSerializer):
    figures = serializers.DictField(
        read_only=True,
        help_text="Items, codes in use, and of a taught one its curves and what its parts are "
        "worth (`ablation`), with chance beside.",
    )

    class Meta(SpaceSerializer.Meta):
        fields = [*SpaceSerializer.Meta.fields, "figures"]


class CodeWordSerializer(serializers.Serializer):
    word = serializers.CharField()
    purity = serializers.FloatField(help_text="Of what it fires on, the share that has the word.")
    coverage = serializers.FloatField(help_text="Of what has the word, the share it fires on.")


class CodeExampleSerializer(serializers.Serializer):
    asset = serializers.IntegerField()
    time_s = serializers.FloatField()
    modality = serializers.CharField()
    box = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Where in the picture: xyxy."
    )


class CodeSerializer(serializers.ModelSerializer):
    called = serializers.CharField(
        read_only=True, help_text="Its name, else its best words, else its number."
    )
    words = serializers.SerializerMethodField()
    labels = serializers.SerializerMethodField()
    examples = serializers.SerializerMethodField()

    class Meta:
        model = Code
        fields = [
            *("id", "space", "number", "called", "name", "is_muted", "fires_on", "words", "labels"),
            *("examples", "changed"),
        ]

    @extend_schema_field(CodeWordSerializer(many=True))
    def get_words(self, code: Code) -> Any:
        return CodeWordSerializer(code.words, many=True).data

    @extend_schema_field(CodeWordSerializer(many=True))
    def get_labels(self, code: Code) -> Any:
        return CodeWordSerializer(code.labels, many=True).data

    @extend_schema_field(CodeExampleSerializer(many=True))
    def get_examples(self, code: Code) -> Any:
        kept = [one for one in code.examples if one["asset"] in self._there()]
        return CodeExampleSerializer(kept, many=True).data

    def _there(self) -> set[int]:
        """Of all examples that are told at once, the assets that nobody deleted since."""
        if "there" not in self.context:
            told = (self.parent or self).instance
            codes = told if isinstance(told, list) else [told]
            wanted = {one["asset"] for code in codes for one in code.examples}
            rows = Asset.objects.filter(pk__in=wanted)
            self.context["there"] = set(rows.values_list("pk", flat=True))
        return self.context["there"]


class ChangeCodeSerializer(Body):
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_NAME, help_text="Empty: by its words."
    )
    is_muted = serializers.BooleanField(
        required=False, help_text="It counts in no score and no reason."
    )


class PairSetSerializer(serializers.ModelSerializer):
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = PairSet
        fields = ["id", "workspace", "name", "n_pairs", "n_pictures", "notes", "created"]


class BringPairsSerializer(serializers.Serializer):
    workspace = Id(required=False, help_text="By default the key's own.")
    file = serializers.FileField(
        help_text="CSV with a head line, JSON lines, or a zip with one of them and pictures: "
        "`asset` and `time_s`, or `picture`, and `text`."
    )
    name = serializers.CharField(required=False, max_length=120, default="", allow_blank=True)
    leave_out_wrong = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Else nothing is stored while one is wrong.",
    )


class SpaceTrainingSerializer(serializers.ModelSerializer):
    """`status` with `is_cancelled` says how it stands; `result` is the space that it made."""

    is_cancelled = serializers.BooleanField(read_only=True)
    share = serializers.FloatField(read_only=True, help_text="0 to 1; it may end earlier.")
    remaining_s = serializers.FloatField(
        read_only=True, allow_null=True, help_text="At most; null until an epoch was measured."
    )
    sources = serializers.ListField(child=serializers.CharField(), read_only=True)
    pair_sets = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    options = serializers.DictField(read_only=True)
    engines = serializers.DictField(child=serializers.CharField(), read_only=True)
    counts = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="Pairs by source."
    )
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = SpaceTraining
        fields = [
            *("id", "workspace", "sources", "pair_sets", "options", "engines", "counts", "status"),
            *("is_cancelled", "wish", "step", "epoch", "epochs", "share", "remaining_s", "error"),
            *("can_retry", "notes", "software_version", "result", "created", "started", "finished"),
        ]


class SpaceTrainingDetailSerializer(SpaceTrainingSerializer):
    waiting_because = serializers.CharField(
        read_only=True, help_text="Why nothing happens just now; empty when something does."
    )
    curves = serializers.DictField(
        read_only=True,
        help_text="By what is trained (`ours`, `no-matching`, `continuous`), an entry an epoch.",
    )

    class Meta(SpaceTrainingSerializer.Meta):
        fields = [*SpaceTrainingSerializer.Meta.fields, "waiting_because", "curves"]


class TeachSerializer(Body):
    workspace = Id(required=False, help_text="By default the key's own.")
    sources = serializers.ListField(
        child=serializers.ChoiceField(choices=KEYS), required=False, max_length=10
    )
    pair_sets = serializers.ListField(child=Id(), required=False, max_length=100)
    options = serializers.DictField(
        required=False,
        help_text="epochs, codes, matching, loss (infonce, masked-margin), patience, seed, most, "
        "ablation.",
    )
