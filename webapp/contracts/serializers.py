from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp import sharing
from webapp.contracts.delivered import figures
from webapp.contracts.issued import ContractLink
from webapp.contracts.models import MOST_PLANNED, Contract, IssuedContract
from webapp.contracts.promises import TERMS
from webapp.rest import Body, Finite, Id

_WORDS = "; ".join(f"`{kind.value}`: {term.help.rstrip('.')}" for kind, term in TERMS.items())


class Promises(serializers.DictField):
    """At least one of them. Shares go from 0 to 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Finite(min_value=0), help_text=_WORDS, **options)


class ContractSerializer(serializers.ModelSerializer):
    """`status`: as it stood at `checked`, the worst of its promises; "" before that."""

    promises = Promises(read_only=True)
    created_by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = Contract
        fields = [
            *("id", "workspace", "name", "sponsor", "project", "label", "brand", "collection"),
            *("starts", "ends", "planned", "promises", "method", "threshold"),
            *("status", "since", "checked", "created_by", "created", "changed"),
        ]


class ContractDetailSerializer(ContractSerializer):
    """`standing`: what was promised beside what was delivered, as of now."""

    standing = serializers.SerializerMethodField()

    class Meta(ContractSerializer.Meta):
        fields = [*ContractSerializer.Meta.fields, "standing"]

    @extend_schema_field(serializers.DictField())
    def get_standing(self, contract: Contract) -> dict[str, Any]:
        return figures(contract)


class ChangeContractSerializer(Body):
    name = serializers.CharField(max_length=120, required=False)
    sponsor = serializers.CharField(max_length=120, required=False, allow_blank=True)
    label = Id(required=False, help_text="The brand, a label of a project.")
    collection = Id(
        required=False, allow_null=True, help_text="null: all films analysed for the project."
    )
    starts = serializers.DateField(required=False, help_text="The first day, of UTC.")
    ends = serializers.DateField(required=False, help_text="The last day.")
    planned = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MOST_PLANNED
    )
    promises = Promises(required=False)
    method = serializers.CharField(max_length=60, required=False)
    threshold = Finite(
        required=False,
        allow_null=True,
        min_value=0.05,
        max_value=1,
        help_text="null: each label's.",
    )


class MakeContractSerializer(ChangeContractSerializer):
    name = serializers.CharField(max_length=120)
    label = Id(help_text="The brand, a label of a project.")
    starts = serializers.DateField(help_text="The first day, of UTC.")
    ends = serializers.DateField(help_text="The last day.")
    promises = Promises()


class IssueContractSerializer(Body):
    title = serializers.CharField(
        max_length=160, required=False, default="", allow_blank=True, help_text="Else its name."
    )


class IssuedContractSerializer(serializers.ModelSerializer):
    """Issued and never changed."""

    issued_by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = IssuedContract
        fields = ["id", "workspace", "contract", "title", "issued", "issued_by"]


class ContractLinkSerializer(serializers.ModelSerializer):
    """`url`: only in the answer that made it; what is kept of it is a hash, and `hint`."""

    created_by = serializers.StringRelatedField(allow_null=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = ContractLink
        fields = [
            *("id", "report", "hint", "url", "created", "created_by", "expires", "revoked"),
            "views",
        ]

    def get_url(self, link: ContractLink) -> str | None:
        found: str | None = self.context.get("url")
        return found


class MakeContractLinkSerializer(Body):
    days = serializers.ChoiceField(sharing.DAYS, default=sharing.USUAL_DAYS)


class IssuedContractDetailSerializer(IssuedContractSerializer):
    """`numbers`: how the contract stood, as its `standing` was then."""

    class Meta(IssuedContractSerializer.Meta):
        fields = [*IssuedContractSerializer.Meta.fields, "numbers"]
