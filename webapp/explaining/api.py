from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Action
from webapp.explaining.explanations import Explanation
from webapp.explaining.mentions import why_mention
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.rest import Body, Finite, Id, Query, Unacceptable, WorkspaceObjects, in_words
from webapp.runs.run import Run


class ExplanationSerializer(serializers.ModelSerializer):
    """Why a box was found. `result`, once its status is `done`: `heat` (how much surer with each
    part of `area` in view), `matches` (points of logo pictures and where they are in the frame),
    `alike` (training examples) and `notes`."""

    asset = serializers.IntegerField(source="run.asset_id", read_only=True)
    result = serializers.SerializerMethodField()

    class Meta:
        model = Explanation
        fields = [
            *("id", "run", "asset", "time_s", "label", "label_name", "box", "confidence", "known"),
            *("status", "progress", "step", "error", "result"),
        ]

    def get_result(self, row: Explanation) -> dict[str, Any]:
        return dict(row.result)


class LikenessSerializer(serializers.Serializer):
    form = serializers.CharField(help_text="The words, joined, without case and accents.")
    name_form = serializers.CharField(help_text="The name, as it is compared.")
    sound = serializers.CharField(help_text="By Metaphone.")
    name_sound = serializers.CharField()
    spelled = serializers.FloatField(help_text="Damerau–Levenshtein, 0 to 1.")
    sounds = serializers.FloatField(help_text="Levenshtein of the sounds, 0 to 1.")


class MentionPartSerializer(serializers.Serializer):
    text = serializers.CharField()
    probability = serializers.FloatField(help_text="How surely the word was heard or read.")
    weight = serializers.FloatField(help_text="Its part of the confidence.")


class OtherReadingSerializer(serializers.Serializer):
    label = serializers.IntegerField()
    brand = serializers.CharField()
    name = serializers.CharField(help_text="Which of its names.")
    text = serializers.CharField(help_text="The words that come near it.")
    likeness = LikenessSerializer()
    score = serializers.FloatField(allow_null=True, help_text="null: no match at all.")
    why = serializers.CharField(help_text="Why it was turned down.")


class MentionWhySerializer(serializers.Serializer):
    """confidence = score × mean; the score by `formula`."""

    label = serializers.IntegerField(help_text="That it was found as.")
    source = serializers.ChoiceField(MentionVerdict.Source.choices)
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    before = serializers.CharField(help_text="A few words before it.")
    text = serializers.CharField()
    after = serializers.CharField()
    name = serializers.CharField(help_text="The name or alias that was found.")
    by = serializers.ChoiceField(
        ["name", "inflection", "spelling", "sound", "heard"], help_text="What makes them the name."
    )
    score = serializers.FloatField(help_text="How well the words fit the name, 0 to 1.")
    mean = serializers.FloatField(help_text="The mean probability of the words.")
    confidence = serializers.FloatField()
    parts = MentionPartSerializer(many=True)
    likeness = LikenessSerializer()
    formula = serializers.CharField()
    shown_from = serializers.FloatField(help_text="The score below which nothing is shown.")
    to_miss = serializers.ListField(
        child=serializers.CharField(), help_text="What it would have taken to miss it."
    )
    alternatives = OtherReadingSerializer(many=True)
    verdict = serializers.ChoiceField(
        ["rejected", "confirmed", "renamed"], allow_null=True, help_text="What a person said of it."
    )


class MentionQuery(Query):
    """All of it is needed: it is asked for once the run is found."""

    source = serializers.ChoiceField(MentionVerdict.Source.choices, required=False)
    label = Id(required=False)
    start_s = Finite(
        min_value=0, max_value=1e9, required=False, help_text="When it begins, as it is listed."
    )


class RunMentionWhy(WorkspaceObjects):
    queries = {"retrieve": MentionQuery}
    queryset = Run.living.filter(asset__removed=None).select_related("asset__workspace", "project")

    @extend_schema(
        operation_id="runs_mentions_why",
        summary="Why some words are a mention of a brand",
        description="The words with their probabilities, how they are compared with the name, what "
        "else they come near, and what it would have taken to miss it.",
        parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)],
        responses=MentionWhySerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        run, asked = self.get_object(), self.asked
        if not {"source", "label", "start_s"} <= set(asked):
            raise Unacceptable("Say which mention it is: its `source`, `label` and `start_s`.")
        about = {"source": asked["source"], "label": asked["label"]}
        with in_words():
            found = why_mention(run, start_ms=round(asked["start_s"] * 1000), **about)
        return Response(MentionWhySerializer(found.to_json()).data)


class AskSerializer(Body):
    run = Id()
    box = Id(min_value=0, help_text="The number of the box, as the run's boxes have it.")


class ExplanationViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """Why a detector says what it says of one box."""

    change = Action.VIEW
    serializer_class = ExplanationSerializer
    queryset = Explanation.objects.filter(
        run__removed=None, run__asset__removed=None
    ).select_related("run__asset__workspace")

    @extend_schema(summary="One explanation")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Ask why a box was found",
        description="Worked out once: asked again, it is the same.",
        request=AskSerializer,
        responses={202: ExplanationSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(AskSerializer)
        runs = Run.living.filter(asset__removed=None).select_related("asset__workspace")
        run = self.find(runs, wish["run"])
        with in_words():
            row = Explanation.objects.asked(run, wish["box"])
        return self.begun(row, "api-explanation-detail")
