from __future__ import annotations

from typing import Any

from rest_framework import serializers

from webapp.labelling import figures
from webapp.labelling.figures import Person
from webapp.labelling.forms import MOST_PEOPLE
from webapp.labelling.items import Item
from webapp.labelling.jobs import LabelingJob
from webapp.rest import Body, Finite, Id


class ProgressSerializer(serializers.Serializer):
    total = serializers.IntegerField(help_text="Pictures and clips.")
    done = serializers.IntegerField()
    left_s = serializers.FloatField(allow_null=True, help_text="At this pace.")


class JobSerializer(serializers.ModelSerializer):
    """Pictures and clips that people label. When the last is done it is complete, and a worker
    writes what they found to the dataset."""

    progress = serializers.SerializerMethodField()
    needs_review = serializers.BooleanField(
        read_only=True, help_text="It or its project asks that what is done is accepted first."
    )

    class Meta:
        model = LabelingJob
        fields = [
            "id", "dataset", "title", "instructions", "people_per_item", "batch_size", "deadline",
            "is_reviewed", "needs_review", "status", "created", "completed", "progress",
        ]  # fmt: skip
        extra_kwargs = {"status": {"help_text": "open, complete or closed."}}

    def get_progress(self, job: LabelingJob) -> dict[str, Any]:
        return figures.progress(job)


class PersonSerializer(serializers.Serializer):
    """How somebody does who works in a job or did. Shares go from 0 to 1; null: nothing yet."""

    user = serializers.IntegerField(source="user.pk")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name")
    is_assigned = serializers.SerializerMethodField(help_text="false: taken off the job.")
    done = serializers.IntegerField(source="figures.done", default=0)
    skipped = serializers.IntegerField(source="figures.skipped", default=0)
    open = serializers.IntegerField(source="figures.open", default=0, help_text="Claimed now.")
    each_s = serializers.FloatField(
        source="figures.each_s", allow_null=True, help_text="Seconds a finished piece took."
    )
    total_s = serializers.FloatField(
        source="figures.total_s", default=0.0, help_text="Seconds at work, pauses left out."
    )
    agreement = serializers.FloatField(
        source="figures.agreed", allow_null=True, help_text="With others on the same pieces."
    )
    checks = serializers.IntegerField(
        source="figures.n_checks", default=0, help_text="Hidden check pictures that were done."
    )
    checks_right = serializers.FloatField(
        source="figures.right", allow_null=True, help_text="How right these were."
    )
    last = serializers.DateTimeField(source="figures.last", allow_null=True)

    def get_is_assigned(self, person: Person) -> bool:
        return person.assignment is not None


class LabellerFiguresSerializer(serializers.Serializer):
    """How somebody's labels hold up. Shares go from 0 to 1; null: nothing yet."""

    user = serializers.IntegerField(source="user.pk")
    person = serializers.CharField()
    pictures = serializers.IntegerField(help_text="Pictures and clips, done or sent back.")
    each_s = serializers.FloatField(allow_null=True, help_text="Seconds at work for each.")
    boxes = serializers.IntegerField(help_text="In a clip, tracks.")
    judged = serializers.IntegerField(help_text="That a reviewer decided about.")
    accepted_first = serializers.FloatField(
        allow_null=True, help_text="Of these, accepted as drawn without being sent back."
    )
    sent_back = serializers.IntegerField()
    mean_iou = serializers.FloatField(
        allow_null=True,
        help_text="Of boxes drawn at first and accepted, paired.",
    )


class JobFiguresSerializer(serializers.Serializer):
    people = LabellerFiguresSerializer(many=True)
    alpha = serializers.FloatField(
        allow_null=True, help_text="Krippendorff's, over pictures that several people labelled."
    )
    n_pictures = serializers.IntegerField(help_text="That alpha rests on.")


class NewJobSerializer(Body):
    dataset = serializers.IntegerField(min_value=1, max_value=2**62)
    title = serializers.CharField(max_length=120)
    samples = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**62),
        max_length=50_000,
        required=False,
        help_text="Their ids; without it, every picture that nobody has labelled.",
    )
    instructions = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    people_per_item = serializers.IntegerField(min_value=1, max_value=9, default=1)
    batch_size = serializers.IntegerField(min_value=1, max_value=500, default=20)
    check_share = serializers.FloatField(min_value=0, max_value=0.5, default=0.0)
    is_reviewed = serializers.BooleanField(
        default=False, help_text="What is done waits for a reviewer."
    )
    deadline = serializers.DateTimeField(required=False, allow_null=True)


class NewPartsSerializer(Body):
    """A video, or what lies from `start_s` to `end_s` of it, cut into parts of `seconds` each.

    Each part begins `overlap` frames before the end of the one before; tracks are joined there.
    `people` are given the parts in turn; without them whoever is free takes the next.
    """

    asset = Id()
    start_s = Finite(min_value=0, required=False)
    end_s = Finite(min_value=0, required=False)
    seconds = Finite(min_value=0.2, max_value=86_400, default=20.0)
    step = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    overlap = serializers.IntegerField(min_value=0, max_value=1000, default=5)
    people = serializers.ListField(child=Id(), max_length=MOST_PEOPLE, required=False)


class PartSerializer(serializers.ModelSerializer):
    start_s = serializers.SerializerMethodField()
    end_s = serializers.SerializerMethodField(help_text="The time of its last frame.")

    class Meta:
        model = Item
        fields = ["id", "position", "asset", "assigned_to", "set_aside", "start_s", "end_s"]

    def get_start_s(self, item: Item) -> float:
        return item.times_s[0]

    def get_end_s(self, item: Item) -> float:
        return item.times_s[-1]


class InvitationSerializer(Body):
    emails = serializers.ListField(
        child=serializers.EmailField(), min_length=1, max_length=MOST_PEOPLE
    )


class InvitedSerializer(serializers.Serializer):
    email = serializers.EmailField()
    url = serializers.CharField(help_text="Signs a person in who is new here, once; else empty.")
    was_sent = serializers.BooleanField()


class InvitedAllSerializer(serializers.Serializer):
    invited = InvitedSerializer(many=True)
    refused = serializers.ListField(child=serializers.CharField())
