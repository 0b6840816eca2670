from __future__ import annotations

from typing import Any

from rest_framework import serializers

from analysis.retrieval.filters import SOURCES
from analysis.retrieval.query import LONGEST
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.rest import Body, Id
from webapp.search.library_mentions import LibraryMentions
from webapp.search.saved import LONGEST_NAME, SavedSearch
from webapp.search.shown import Moment

_ON_A_PAGE = 1000  # mentions of a label


class PassageSerializer(serializers.Serializer):
    source = serializers.ChoiceField(SOURCES)
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    text = serializers.CharField(help_text="The words, or the brand that is seen.")
    confidence = serializers.FloatField()
    label = serializers.IntegerField(allow_null=True)
    run = serializers.IntegerField(allow_null=True)


class FoundMomentSerializer(serializers.Serializer):
    asset = serializers.IntegerField()
    name = serializers.CharField(help_text="Of the asset.")
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    at_s = serializers.FloatField(help_text="Where to play from: the first word that was found.")
    why = serializers.ListField(
        child=serializers.CharField(),
        help_text="said, heard, written, comment, seen, means: heard and seen once for each brand.",
    )
    score = serializers.FloatField(help_text="By reciprocal rank; to order by, and no confidence.")
    passages = PassageSerializer(many=True)


class FoundSerializer(serializers.Serializer):
    query = serializers.CharField(help_text="How the query was read, in its own language.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="What was left out.")
    instead = serializers.CharField(help_text="The query with words that there are, or empty.")
    meaning = serializers.BooleanField(help_text="Whether meaning is searched here.")
    count = serializers.IntegerField()
    is_capped = serializers.BooleanField(help_text="More match; the newest of them were ranked.")
    moments = FoundMomentSerializer(many=True)


def moment_json(moment: Moment) -> dict[str, Any]:
    return {
        "asset": moment.asset.pk,
        "name": moment.asset.name,
        "start_s": moment.start_s,
        "end_s": moment.end_s,
        "at_s": moment.at_s,
        "why": moment.why,
        "score": moment.score,
        "passages": [
            {
                "source": one.set.source,
                "start_s": one.start_s,
                "end_s": one.end_s,
                "text": one.text,
                "confidence": one.confidence,
                "label": one.label_id,
                "run": one.set.run_id,
            }
            for one in moment.passages
        ],
    }


class SavedSearchSerializer(serializers.ModelSerializer):
    n_new = serializers.IntegerField(
        read_only=True, help_text="Moments that were found since `looked`."
    )

    class Meta:
        model = SavedSearch
        fields = ["id", "workspace", "name", "query", "alerts", "created", "looked", "n_new"]
        read_only_fields = fields


class SavedSearchRequestSerializer(Body):
    query = serializers.CharField(max_length=LONGEST)
    name = serializers.CharField(max_length=LONGEST_NAME, required=False, default="")
    alerts = serializers.BooleanField(
        required=False, default=True, help_text="Ask it of everything that is indexed from now on."
    )
    workspace = Id(required=False)


class LibraryMentionSerializer(serializers.Serializer):
    asset = serializers.IntegerField()
    source = serializers.ChoiceField(MentionVerdict.Source.choices)
    name = serializers.CharField(help_text="The name or alias that was found.")
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    text = serializers.CharField()
    by = serializers.CharField(help_text="name, inflection, spelling or sound.")
    score = serializers.FloatField()


class LibraryMentionsSerializer(serializers.Serializer):
    label = serializers.IntegerField()
    names = serializers.ListField(child=serializers.CharField(), help_text="What was looked for.")
    count = serializers.IntegerField()
    assets = serializers.IntegerField(help_text="In how many assets.")
    mentions = LibraryMentionSerializer(many=True)


def library_mentions_json(found: LibraryMentions, page: int) -> dict[str, Any]:
    return {
        "label": found.label.pk,
        "names": found.names,
        "count": len(found.found),
        "assets": found.n_assets,
        "mentions": [
            {
                "asset": one.asset,
                "source": one.source,
                "name": one.mention.name,
                "start_s": one.mention.start_s,
                "end_s": one.mention.end_s,
                "text": one.mention.text,
                "by": one.mention.by,
                "score": one.mention.score,
            }
            for one in found.found[(page - 1) * _ON_A_PAGE : page * _ON_A_PAGE]
        ],
    }
