from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.comments import people
from webapp.comments.comments import LONGEST, Comment
from webapp.comments.notices import Notice
from webapp.comments.reactions import Reaction
from webapp.rest import Body, Finite, Id

_TEXT = "@ before the name or e-mail of a member mentions them."


class MentionedSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class TallySerializer(serializers.Serializer):
    kind = serializers.ChoiceField(Reaction.Kind.choices)
    count = serializers.IntegerField()
    is_mine = serializers.BooleanField()


class CommentSerializer(serializers.ModelSerializer):
    """`thread`: the comment it answers; null where it begins a thread."""

    text = serializers.SerializerMethodField()
    mentions = serializers.SerializerMethodField()
    by = serializers.StringRelatedField(allow_null=True)
    box = serializers.ListField(child=serializers.FloatField(), allow_null=True, read_only=True)
    reactions = serializers.SerializerMethodField()

    class Meta:
        model = Comment
        fields = [
            *("id", "asset", "thread", "start_s", "end_s", "box", "text", "mentions", "by"),
            *("created", "edited", "deleted", "resolved", "reactions"),
        ]

    def get_text(self, row: Comment) -> str:
        """As people read it; "" once it is deleted."""
        return (
            "" if row.deleted else "".join(p.text for p in people.parts(row.text, self._names(row)))
        )

    @extend_schema_field(MentionedSerializer(many=True))
    def get_mentions(self, row: Comment) -> list[dict[str, Any]]:
        names = {} if row.deleted else self._names(row)
        numbers = people.mentioned(row.text)
        return [{"id": pk, "name": names[pk]} for pk in numbers if pk in names]

    @extend_schema_field(TallySerializer(many=True))
    def get_reactions(self, row: Comment) -> list[dict[str, Any]]:
        user = self.context["request"].user.pk
        given = [(reaction.kind, reaction.user_id) for reaction in row.reactions.all()]
        kinds = dict.fromkeys(kind for kind, _ in given)
        return [
            {
                "kind": kind,
                "count": sum(other == kind for other, _ in given),
                "is_mine": (kind, user) in given,
            }
            for kind in kinds
        ]

    def _names(self, row: Comment) -> dict[int, str]:
        """Of all that are told at once, asked for once."""
        if "names" not in self.context:
            rows = self.parent.instance if self.parent is not None else [row]
            self.context["names"] = people.names_in(one.text for one in rows or [row])
        names: dict[int, str] = self.context["names"]
        return names


class CommentRequestSerializer(Body):
    asset = Id()
    text = serializers.CharField(max_length=LONGEST, help_text=_TEXT)
    start_s = Finite(min_value=0, default=0)
    end_s = Finite(min_value=0, required=False)
    box = serializers.ListField(
        child=Finite(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        required=False,
        help_text="xyxy, fractions of the displayed frame.",
    )
    thread = Id(required=False, help_text="Answer this comment; the moment is then its own.")


class CommentChangeSerializer(Body):
    """What is left out stays."""

    text = serializers.CharField(max_length=LONGEST, required=False, help_text=_TEXT)


class ReactionRequestSerializer(Body):
    kind = serializers.ChoiceField(Reaction.Kind.choices)
    on = serializers.BooleanField(default=True, help_text="false takes it back.")


class NoticeSerializer(serializers.ModelSerializer):
    """That a comment mentions one, or answers in a thread in which one spoke."""

    asset = serializers.IntegerField(source="comment.asset_id", read_only=True)

    class Meta:
        model = Notice
        fields = ["id", "kind", "comment", "asset", "created", "seen"]
