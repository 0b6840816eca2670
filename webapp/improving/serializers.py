from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.improving.confidences import confidences_of
from webapp.improving.loops import (
    AFTER_CHANGES,
    MOST_ASSETS,
    MOST_CHANGES,
    MOST_FALL,
    MOST_HOURS,
    Loop,
)
from webapp.improving.rounds import Round
from webapp.improving.showing import remaining_s, standing, waiting_because
from webapp.rest import Body, Finite, Id


class LoopSerializer(serializers.ModelSerializer):
    n_changed = serializers.IntegerField(
        read_only=True, help_text="New or changed labelled pictures since the round before."
    )
    why_none = serializers.CharField(
        read_only=True, help_text="Why no round can begin now; empty where one can."
    )
    assets = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Loop
        fields = [
            *("id", "model", "dataset", "is_on", "after_changes", "every_hours", "base", "options"),
            *("least_f1", "most_fall", "learns_from_sure", "assets", "n_changed", "why_none"),
            *("created", "changed"),
        ]


class ChangeLoopSerializer(Body):
    dataset = Id(required=False)
    is_on = serializers.BooleanField(required=False)
    after_changes = serializers.IntegerField(
        min_value=1,
        max_value=MOST_CHANGES,
        allow_null=True,
        required=False,
        help_text=f"Begin at so many new or changed pictures; {AFTER_CHANGES} unless said. null: "
        "not by their number.",
    )
    every_hours = serializers.IntegerField(
        min_value=1,
        max_value=MOST_HOURS,
        allow_null=True,
        required=False,
        help_text="Begin when so many hours have passed and at least one picture changed.",
    )
    base = Id(
        allow_null=True, required=False, help_text="Start from this version; null: production."
    )
    options = serializers.DictField(required=False, help_text="As of a training.")
    least_f1 = Finite(
        min_value=0,
        max_value=1,
        allow_null=True,
        required=False,
        help_text="Overall, on golden pictures. null: that of the version in production.",
    )
    most_fall = Finite(
        min_value=0,
        max_value=1,
        required=False,
        help_text=f"No label may be worse by more; {MOST_FALL} unless said.",
    )
    learns_from_sure = serializers.BooleanField(
        required=False,
        help_text="Also train a version on frames that the one in use is sure of, and take it "
        "where nothing falls on the golden pictures. Boxes only.",
    )
    assets = serializers.ListField(
        child=Id(),
        max_length=MOST_ASSETS,
        required=False,
        help_text="Past assets on which a version that passes is tried.",
    )


class MakeLoopSerializer(ChangeLoopSerializer):
    model = Id()
    dataset = Id()


class ConfidenceSerializer(serializers.Serializer):
    label = serializers.IntegerField(source="label.pk")
    project = serializers.IntegerField(source="label.project_id")
    name = serializers.CharField(source="label.name")
    before = serializers.FloatField(help_text="From which it was shown, or is until accepted.")
    after = serializers.FloatField(help_text="The best for the new version on golden pictures.")
    by_hand = serializers.BooleanField(
        help_text="A person chose `before`: it is kept unless `labels` of accept has the label."
    )
    stays = serializers.CharField(
        help_text="Why rolling back leaves the label as it is; empty where it brings `before` back."
    )


class AcceptRoundSerializer(Body):
    labels = serializers.ListField(
        child=Id(),
        required=False,
        help_text="Of `confidences`, the labels that are shown from `after` from now on. Left out: "
        "all but those set by hand.",
    )


class RoundSerializer(serializers.ModelSerializer):
    """`status` is that of the workers' part; `outcome` is empty until it is over or decided."""

    model = serializers.IntegerField(source="loop.model_id", read_only=True)
    standing = serializers.SerializerMethodField(help_text="In words.")
    remaining_s = serializers.SerializerMethodField(help_text="Of this step; null: not known.")
    waiting_because = serializers.SerializerMethodField()
    projects = serializers.SerializerMethodField(
        help_text="That would go over to the new version, or went over."
    )
    confidences = serializers.SerializerMethodField(
        help_text="That accepting would change, or changed."
    )

    class Meta:
        model = Round
        fields = [
            *("id", "loop", "model", "number", "reason", "n_changed", "status", "stage", "outcome"),
            *("is_cancelled", "standing", "remaining_s", "waiting_because", "error", "can_retry"),
            *("settings", "version", "training", "candidate", "production", "measured"),
            *("measured_old", "pseudo", "pseudo_version", "pseudo_training", "pseudo_measured"),
            *("verdict", "projects", "confidences", "decided", "created", "finished"),
        ]

    def get_standing(self, row: Round) -> str:
        return standing(row)[0]

    def get_remaining_s(self, row: Round) -> float | None:
        return remaining_s(row)

    def get_waiting_because(self, row: Round) -> str:
        return waiting_because(row)

    def get_projects(self, row: Round) -> list[int]:
        if row.is_undecided:
            return list(row.projects().values_list("pk", flat=True))
        moved: list[int] = row.moved
        return moved

    @extend_schema_field(ConfidenceSerializer(many=True))
    def get_confidences(self, row: Round) -> Any:
        return ConfidenceSerializer(confidences_of(row), many=True).data


class ChangedMomentSerializer(serializers.Serializer):
    asset = serializers.IntegerField(source="asset.pk")
    run = serializers.IntegerField(source="run.pk", help_text="In which it is seen.")
    kind = serializers.ChoiceField(["new", "moved", "gone"])
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()


class ChangedAssetSerializer(serializers.Serializer):
    asset = serializers.IntegerField(source="asset.pk")
    before_s = serializers.FloatField()
    after_s = serializers.FloatField()
    before_frames = serializers.IntegerField()
    after_frames = serializers.IntegerField()


class ChangedBrandSerializer(serializers.Serializer):
    name = serializers.CharField()
    before_s = serializers.FloatField()
    after_s = serializers.FloatField()
    change_s = serializers.FloatField()
    assets = ChangedAssetSerializer(many=True)
    moments = ChangedMomentSerializer(many=True)


class RoundDifferenceSerializer(serializers.Serializer):
    """Seconds as reported, without what people corrected."""

    assets = serializers.IntegerField(source="n_assets", help_text="So many were compared.")
    brands = ChangedBrandSerializer(many=True, help_text="That changed, most first.")
    same = serializers.SerializerMethodField(help_text="Names of those that did not.")
    failed = serializers.SerializerMethodField(help_text="Assets without one, and why.")

    def get_same(self, found: Any) -> list[str]:
        return [brand.name for brand in found.same]

    def get_failed(self, found: Any) -> list[dict[str, Any]]:
        return [{"asset": asset.pk, "why": why} for asset, why in found.failed]
