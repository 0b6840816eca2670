from __future__ import annotations

from rest_framework import serializers

from analysis.exposure.methodologies import DEFAULT
from webapp.auditing.audits import What
from webapp.auditing.items import AuditItem
from webapp.auditing.rounds import FEWEST, MOST, USUAL
from webapp.rest import Body, Finite, Id


class ShareSerializer(serializers.Serializer):
    """Of the seconds of all audited brands."""

    share = serializers.FloatField(help_text="0 to 1.")
    low = serializers.FloatField()
    high = serializers.FloatField()


class ReadingSerializer(serializers.Serializer):
    """The audited seconds of a brand with the limits that hold 95 times of 100."""

    seconds = serializers.FloatField(source="estimate.seconds")
    low_s = serializers.FloatField(source="estimate.low_s")
    high_s = serializers.FloatField(source="estimate.high_s")
    model_s = serializers.FloatField(
        source="estimate.model_s", help_text="What the detector said, at `threshold`."
    )
    share = ShareSerializer(
        allow_null=True, help_text="null while a brand that the detector saw is not audited."
    )
    answers = serializers.IntegerField(source="n_answers", help_text="Frames it rests on.")
    unsure = serializers.IntegerField(
        source="n_unsure", help_text="Frames of which nobody could tell."
    )
    round = serializers.IntegerField()
    threshold = serializers.FloatField()
    people = serializers.ListField(child=serializers.CharField(), help_text="Who answered.")
    read_at = serializers.DateTimeField(help_text="When the last of the answers was given.")


class TimesAboutSerializer(serializers.Serializer):
    answers = serializers.IntegerField(source="n_answers", help_text="Stretches it rests on.")
    unsure = serializers.IntegerField(source="n_unsure")
    round = serializers.IntegerField()
    threshold = serializers.FloatField()
    people = serializers.ListField(child=serializers.CharField(), help_text="Who answered.")
    read_at = serializers.DateTimeField(help_text="When the last of the answers was given.")


class TimesReadingSerializer(serializers.Serializer):
    """The audited number of exposures with the limits that hold 95 times of 100."""

    times = serializers.IntegerField()
    low = serializers.IntegerField()
    high = serializers.IntegerField()
    about = TimesAboutSerializer()


class TimesSerializer(serializers.Serializer):
    """How often a brand was on screen, checked by stretches of film."""

    model = serializers.IntegerField(help_text="How often the detector says.")
    gap_s = serializers.FloatField(help_text="Gaps up to so long are within one exposure.")
    minimum_s = serializers.FloatField(help_text="An exposure holds at least that on screen.")
    round = serializers.IntegerField()
    done = serializers.IntegerField()
    of = serializers.IntegerField()
    reading = TimesReadingSerializer(allow_null=True)
    to_halve = serializers.IntegerField(allow_null=True)


class AuditedBrandSerializer(serializers.Serializer):
    """`done` of the `of` frames of the round that is open, or of the last one, are answered."""

    label = serializers.IntegerField()
    name = serializers.CharField()
    model_s = serializers.FloatField(help_text="Seconds in which the detector sees it.")
    is_audited = serializers.BooleanField()
    round = serializers.IntegerField(help_text="0 where it is not audited.")
    done = serializers.IntegerField()
    of = serializers.IntegerField()
    reading = ReadingSerializer(
        allow_null=True,
        help_text="Of the rounds that are answered whole; null before the first is.",
    )
    to_halve = serializers.IntegerField(
        allow_null=True, help_text="How many more answers would halve the interval."
    )
    times = TimesSerializer(
        allow_null=True, help_text="Its number of exposures; null where nobody counts them."
    )


class RunAuditSerializer(serializers.Serializer):
    run = serializers.IntegerField()
    why_not = serializers.CharField(help_text="Why it cannot be audited; empty where it can.")
    answer_s = serializers.FloatField(help_text="How long an answer takes, in seconds …")
    is_measured = serializers.BooleanField(help_text="… in this workspace, or as is assumed.")
    brands = AuditedBrandSerializer(many=True)


class StartAuditSerializer(Body):
    labels = serializers.ListField(
        child=Id(), min_length=1, max_length=200, help_text="Brands of the run."
    )
    what = serializers.ChoiceField(What.choices, default=What.SECONDS)
    method = serializers.CharField(
        max_length=60,
        default=DEFAULT,
        help_text="Of times: the methodology that says what one exposure is.",
    )
    n = serializers.IntegerField(
        min_value=1,
        max_value=MOST,
        required=False,
        help_text=f"Answers for each: {FEWEST} or more for a brand that is not audited yet, "
        f"{USUAL} where left out; for one that is, so many more, or as many as halve its interval.",
    )


class AuditItemSerializer(serializers.ModelSerializer):
    """A frame of a brand. Its picture: `picture`, a link that expires, or null while it is made."""

    label = serializers.IntegerField(source="audited.label_id", read_only=True)
    what = serializers.ChoiceField(What.choices, source="audited.what", read_only=True)
    run = serializers.IntegerField(source="audited.audit.run_id", read_only=True)
    answered_by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = AuditItem
        fields = [
            *("id", "run", "label", "what", "time_s", "round", "answer", "answered_by", "answered"),
        ]


class LentItemSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    label = serializers.IntegerField()
    what = serializers.ChoiceField(What.choices, help_text="A frame, or a stretch of film.")
    time_s = serializers.FloatField(help_text="Of the frame, or where the stretch begins.")
    end_s = serializers.FloatField(allow_null=True, help_text="Where the stretch ends.")
    round = serializers.IntegerField()
    picture = serializers.CharField(
        allow_null=True,
        help_text="A link that expires; null while a worker makes it, and of a stretch.",
    )


class NextItemsSerializer(serializers.Serializer):
    items = LentItemSerializer(many=True)
    left = serializers.IntegerField(help_text="Frames of this audit that are not answered.")
    elsewhere = serializers.IntegerField(help_text="Of these, those that others have now.")


class AnswerRequestSerializer(Body):
    answer = serializers.ChoiceField(AuditItem.Answer.choices)
    seconds = Finite(
        min_value=0, max_value=1e6, default=0, help_text="How long looking at it took."
    )


class AnsweredSerializer(AuditItemSerializer):
    """`done` of `of`: how far the round of its brand is."""

    done = serializers.IntegerField()
    of = serializers.IntegerField()
    reading = ReadingSerializer(
        allow_null=True, help_text="What may be read of the brand now, where its round is over."
    )

    class Meta(AuditItemSerializer.Meta):
        fields = [*AuditItemSerializer.Meta.fields, "done", "of", "reading"]
