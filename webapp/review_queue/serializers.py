from __future__ import annotations

from typing import Any

from rest_framework import serializers

from webapp.rest import Body, Finite, Id
from webapp.review_queue.answers import Verdict
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.rules import MOST_PEOPLE, ReviewRule

_SIDE = {"min_value": 0, "max_value": 1}


class Conditions(serializers.DictField):
    """`{"Conditions": […]}`, in the grammar of Amazon A2I's activation conditions."""


class ReviewRuleSerializer(serializers.ModelSerializer):
    conditions = Conditions(read_only=True)
    created_by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = ReviewRule
        fields = [
            *("id", "project", "name", "conditions", "people", "is_on"),
            *("created_by", "created", "changed"),
        ]


class MakeRuleSerializer(Body):
    project = Id()
    name = serializers.CharField(max_length=80)
    conditions = Conditions()
    people = serializers.IntegerField(
        min_value=1,
        max_value=MOST_PEOPLE,
        default=1,
        help_text="How many decide for each item, one after the other; where they disagree, "
        "another settles it.",
    )


class ChangeRuleSerializer(Body):
    name = serializers.CharField(max_length=80, required=False)
    conditions = Conditions(required=False)
    people = serializers.IntegerField(min_value=1, max_value=MOST_PEOPLE, required=False)
    is_on = serializers.BooleanField(required=False)


class PreviewRequestSerializer(Body):
    project = Id()
    conditions = Conditions()


class PreviewSerializer(serializers.Serializer):
    runs = serializers.IntegerField(help_text="Analyses gone through: the newest of each asset.")
    frames = serializers.IntegerField(help_text="All frames that were analysed in them.")
    items = serializers.IntegerField(help_text="Those that the rule would send to people.")
    mentions = serializers.IntegerField(help_text="Of these items.")
    sentences = serializers.IntegerField(help_text="With words in doubt, of these items.")
    seconds = serializers.FloatField(help_text="About how long deciding for them takes one person.")
    is_measured = serializers.BooleanField(help_text="By the time of people here, or as assumed.")
    is_all = serializers.BooleanField(help_text="False: there are more assets than were counted.")


class AppliedSerializer(serializers.Serializer):
    analyses = serializers.IntegerField(help_text="So many are gone through.")


class ReviewItemSerializer(serializers.ModelSerializer):
    """What people are asked about, with what was found and why it was chosen: a frame with its
    `boxes`, or a mention or a sentence as `told`."""

    asset = serializers.IntegerField(source="run.asset_id", read_only=True)

    class Meta:
        model = ReviewItem
        fields = [
            *("id", "project", "run", "asset", "rule", "label", "kind", "time_s", "boxes", "told"),
            "because",
            *("stake_s", "worth", "people", "n_decided", "state", "created", "done"),
        ]


class NextRequestSerializer(Body):
    have = serializers.ListField(
        child=Id(),
        max_length=20,
        default=list,
        help_text="Items that are before you already: they stay yours, and are not sent again.",
    )
    knows = serializers.ListField(
        child=Id(),
        max_length=20,
        default=list,
        help_text="Projects whose labels you have: they are not sent again.",
    )


class NextReviewItemsSerializer(serializers.Serializer):
    items = serializers.ListField(child=serializers.DictField())
    projects = serializers.DictField(help_text="By number: its name and labels.")
    left = serializers.IntegerField(
        help_text="Items that wait, for whomever; 1,000 stands for more."
    )
    elsewhere = serializers.IntegerField(help_text="Of these, those that others have now.")


class BoxSerializer(Body):
    prediction = serializers.CharField(
        max_length=12, allow_null=True, help_text="The box it goes out from; null: drawn."
    )
    label = Id()
    box = serializers.ListField(
        child=Finite(**_SIDE), min_length=4, max_length=4, help_text="xyxy, shares of the frame."
    )


class AnswerSerializer(Body):
    """What a mention is, or how a sentence reads."""

    verdict = serializers.ChoiceField(
        [verdict.value for verdict in Verdict],
        help_text="right: it is the brand, the words are as they were said; wrong: it is none, or "
        "nobody said the words in doubt; other: the brand is `label`; words: `text` was said.",
    )
    label = Id(required=False, allow_null=True)
    line = Id(
        required=False, allow_null=True, help_text="The sentence that `text` stands for: `line`."
    )
    text = serializers.CharField(max_length=5000, required=False, allow_blank=True, default="")


class DecideSerializer(Body):
    boxes = BoxSerializer(many=True, default=list, help_text="Of a frame: all that is there.")
    answer = AnswerSerializer(
        required=False, allow_null=True, help_text="Of a mention or a sentence, in place of boxes."
    )
    unsure = serializers.BooleanField(default=False)
    scope = serializers.ChoiceField(Decision.Scope.choices, default=Decision.Scope.FRAME)
    seconds = Finite(min_value=0, max_value=1e6, default=0, help_text="How long looking took.")
    alike = serializers.ListField(
        child=Id(),
        max_length=12,
        default=list,
        help_text="Items that look like it (its route `alike`), of which the same is said.",
    )


class AlikeItemSerializer(serializers.Serializer):
    item = serializers.IntegerField()
    likeness = serializers.FloatField(help_text="−1 to 1.")
    name = serializers.CharField(help_text="Of the film.")
    time_s = serializers.FloatField()
    url = serializers.CharField()
    style = serializers.CharField(help_text="CSS that draws a small picture of it.")


class AlikeSerializer(serializers.Serializer):
    items = AlikeItemSerializer(many=True)


class DecidedSerializer(serializers.Serializer):
    id = serializers.IntegerField(help_text="Of the item.")
    said = serializers.CharField()
    state = serializers.CharField()
    left = serializers.IntegerField()
    along = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Items that ended with it: other frames of its tracks, and those taken along.",
    )


class LearnSerializer(Body):
    dataset = Id()


class LearningSerializer(serializers.Serializer):
    transfer = serializers.IntegerField(
        allow_null=True, help_text="Null where nothing was decided that it does not say."
    )
    pictures = serializers.IntegerField(help_text="Decided frames that it does not say yet.")
    taken_back = serializers.IntegerField(
        help_text="Pictures that say what they said before, or went: their decision was taken back."
    )


class HandedBackSerializer(serializers.Serializer):
    handed_back = serializers.IntegerField()


class HumanLoopSerializer(serializers.Serializer):
    """`output.json` of a human loop of Amazon A2I."""

    flowDefinitionArn = serializers.CharField()  # noqa: N815  its names
    humanLoopName = serializers.CharField()  # noqa: N815
    humanLoopStatus = serializers.CharField()  # noqa: N815
    creationTime = serializers.CharField()  # noqa: N815
    inputContent = serializers.DictField()  # noqa: N815
    humanAnswers: Any = serializers.ListField(child=serializers.DictField())  # noqa: N815
