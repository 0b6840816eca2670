from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.assets.links import media_link
from webapp.nights.candidates import Candidate, CandidatePoint, Verdict
from webapp.nights.deciding import CandidateDecision
from webapp.nights.exposures import NightExposure
from webapp.nights.lending import MOST_HELD
from webapp.nights.night import MOST_EXPOSURES, Night
from webapp.nights.teaching import MOST_NIGHTS, SkyTeaching
from webapp.nights.watching import Watch, folder_of
from webapp.rest import Body, Id


class NightSerializer(serializers.ModelSerializer):
    """`state` says how it stands; `rate_unit` in what its candidates' rates are."""

    state = serializers.CharField(
        read_only=True, help_text="waiting, working, done, failed or cancelled."
    )
    rate_unit = serializers.CharField(read_only=True, help_text="″/h, or px/h.")
    options = serializers.DictField(read_only=True)

    class Meta:
        model = Night
        fields = [
            *("id", "workspace", "name", "state", "stage", "reference", "bias", "dark", "flat"),
            *("options", "observatory", "has_coordinates", "rate_unit", "error", "can_retry"),
            *("software_version", "created", "started", "finished"),
        ]


class NightDetailSerializer(NightSerializer):
    exposures = serializers.SerializerMethodField()
    share = serializers.SerializerMethodField(help_text="Of the whole, 0 to 1.")
    remaining_s = serializers.SerializerMethodField(
        help_text="Null until an exposure was measured."
    )
    waiting_because = serializers.CharField(
        read_only=True, help_text="Why nothing happens just now; empty when something does."
    )
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)
    figures = serializers.DictField(
        read_only=True, help_text="Detections, tracklets, the zero point, completeness."
    )
    timings = serializers.DictField(child=serializers.FloatField(), read_only=True)
    site = serializers.DictField(read_only=True)

    class Meta(NightSerializer.Meta):
        fields = [
            *NightSerializer.Meta.fields,
            *("exposures", "share", "remaining_s", "waiting_because", "notes", "figures"),
            *("timings", "site"),
        ]

    @extend_schema_field(serializers.FloatField())
    def get_share(self, night: Night) -> Any:
        return night.standing()["share"]

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_remaining_s(self, night: Night) -> Any:
        return night.standing()["remaining_s"]

    def get_exposures(self, night: Night) -> list[dict[str, Any]]:
        rows = night.exposures.defer("found", "found_put_in")
        return [dict(row) for row in NightExposureSerializer(rows, many=True).data]


class NightExposureSerializer(serializers.ModelSerializer):
    timings = serializers.DictField(child=serializers.FloatField(), read_only=True)
    warnings = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = NightExposure
        fields = [
            *("number", "asset", "status", "step", "progress", "error", "middle_mjd", "seconds"),
            *("n_stars", "residual_px", "noise_ratio", "fwhm_px", "zero_point", "n_found"),
            *("timings", "warnings"),
        ]


class BeginNightSerializer(Body):
    workspace = Id(required=False, help_text="By default the key's own.")
    name = serializers.CharField(max_length=120)
    exposures = serializers.ListField(child=Id(), min_length=1, max_length=MOST_EXPOSURES)
    reference = Id(required=False, help_text="An asset; else the exposures are stacked.")
    bias = Id(required=False)
    dark = Id(required=False)
    flat = Id(required=False)
    options = serializers.DictField(
        required=False,
        help_text="method, threshold, least, slowest, fastest, tolerance, trails, injected, "
        "network.",
    )
    observatory = serializers.CharField(required=False, allow_blank=True, max_length=10)
    site = serializers.DictField(
        required=False, help_text="observers, telescope, aperture_m, catalogue."
    )


class AddExposuresSerializer(Body):
    exposures = serializers.ListField(child=Id(), min_length=1, max_length=MOST_EXPOSURES)


class SkyTeachingSerializer(serializers.ModelSerializer):
    """What was taught of what is real; one that is done is a version that can be used."""

    state = serializers.CharField(
        read_only=True, help_text="waiting, working, done, failed or cancelled."
    )
    kind = serializers.CharField(
        read_only=True, help_text="network, features (eleven numbers of the shape), or both."
    )
    nights: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    options = serializers.DictField(read_only=True)

    class Meta:
        model = SkyTeaching
        fields = [
            *("id", "workspace", "state", "kind", "is_in_use", "nights", "options", "progress"),
            *("step", "error", "can_retry", "software_version", "created", "started", "finished"),
        ]


class SkyTeachingDetailSerializer(SkyTeachingSerializer):
    counts = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="Examples by their source."
    )
    figures = serializers.DictField(
        read_only=True,
        help_text="Area under the ROC curve and loss, by network and features; what a network on "
        "tiles finds, by tiles.",
    )
    curve = serializers.ListField(
        child=serializers.DictField(child=serializers.FloatField()), read_only=True
    )
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)
    remaining_s = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Null until it can be told."
    )
    waiting_because = serializers.CharField(
        read_only=True, help_text="Why nothing happens just now; empty when something does."
    )

    class Meta(SkyTeachingSerializer.Meta):
        fields = [
            *SkyTeachingSerializer.Meta.fields,
            *("counts", "figures", "curve", "notes", "remaining_s", "waiting_because"),
        ]


class BeginTeachingSerializer(Body):
    workspace = Id(required=False, help_text="By default the key's own.")
    nights = serializers.ListField(child=Id(), min_length=1, max_length=MOST_NIGHTS)
    options = serializers.DictField(
        required=False, help_text="put_in, epochs, cut, tiles, tile_epochs."
    )


class CandidatePointSerializer(serializers.ModelSerializer):
    exposure = serializers.IntegerField(source="exposure.number", read_only=True)
    asset = serializers.IntegerField(source="exposure.asset_id", read_only=True)
    picture = serializers.SerializerMethodField()
    trail = serializers.DictField(
        child=serializers.FloatField(),
        read_only=True,
        help_text="x0, y0, x1, y1: the ends of a long trail in pixels; ra0, dec0, ra1, dec1 in "
        "degrees; its length, angle and width in pixels. Empty of a point.",
    )

    class Meta:
        model = CandidatePoint
        fields = [
            *("exposure", "asset", "mjd", "x", "y", "ra", "dec", "position_error", "flux"),
            *("flux_error", "magnitude", "magnitude_error", "score", "trail", "is_by_network"),
            "picture",
        ]

    @extend_schema_field(serializers.CharField())
    def get_picture(self, point: CandidatePoint) -> str:
        """A link that expires: exposure, reference and difference side by side."""
        return media_link(point.cutout) if point.cutout else ""


class CandidateDecisionSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="by.email", default=None, read_only=True)

    class Meta:
        model = CandidateDecision
        fields = ["verdict", "by", "at", "taken_back"]


class CandidateSerializer(serializers.ModelSerializer):
    """Rates in the night's unit; angles in degrees east of north, or from x to y without
    coordinates; magnitudes instrumental where the night has no zero point."""

    designation = serializers.CharField(read_only=True)
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Candidate
        fields = [
            *(
                "id",
                "night",
                "number",
                "designation",
                "n_points",
                "n_by_network",
                "score",
                "rate",
                "angle",
            ),
            *("residual", "chance", "real", "is_unlikely", "magnitude", "magnitude_error"),
            *("is_still", "is_single", "is_trail", "notes"),
            *("is_gone", "known_as", "known_apart", "verdict", "found"),
        ]


class CandidateDetailSerializer(CandidateSerializer):
    points = CandidatePointSerializer(many=True, read_only=True)
    decisions = CandidateDecisionSerializer(many=True, read_only=True)

    class Meta(CandidateSerializer.Meta):
        fields = [*CandidateSerializer.Meta.fields, "points", "decisions"]


class WatchSerializer(serializers.ModelSerializer):
    folder = serializers.SerializerMethodField(help_text="Where exposures are put.")
    taken = serializers.IntegerField(source="files.count", read_only=True)

    class Meta:
        model = Watch
        fields = ["workspace", "is_on", "folder", "reference", "taken", "looked", "error"]

    @extend_schema_field(serializers.CharField())
    def get_folder(self, watch: Watch) -> str:
        return str(folder_of(watch.workspace))


class SetWatchSerializer(Body):
    workspace = Id(required=False, help_text="By default the key's own.")
    is_on = serializers.BooleanField()
    reference = Id(required=False, help_text="An asset; else the exposures are stacked.")


class VerdictSerializer(Body):
    verdict = serializers.ChoiceField([one for one in Verdict.values if one])
    is_first = serializers.BooleanField(
        default=False, help_text="Refuse it where somebody else decided meanwhile."
    )


class HoldSerializer(Body):
    workspace = Id(required=False, help_text="By default the key's own.")
    have = serializers.ListField(
        child=Id(), max_length=MOST_HELD, default=list, help_text="Those that are shown already."
    )


class NextCandidateSerializer(HoldSerializer):
    night = Id(required=False, help_text="By default of all nights, the oldest first.")


class HandedBackCandidatesSerializer(serializers.Serializer):
    handed_back = serializers.IntegerField()
