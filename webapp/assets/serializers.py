from __future__ import annotations

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.accounts.models import Refused
from webapp.assets.links import media_link
from webapp.assets.models import Asset, Collection, Rendition
from webapp.leases import Status
from webapp.rest import Body, OfTheSameWorkspace


class CollectionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Collection
        fields = ["id", "workspace", "name", "created"]
        read_only_fields = ["workspace"]


class AssetSerializer(serializers.ModelSerializer):
    """`status` is that of its preparation: waiting, working, done or failed. Links expire."""

    original = serializers.SerializerMethodField(
        help_text="A link to the file; it expires. Null while the file is taken in."
    )
    poster = serializers.SerializerMethodField(help_text="A link to a small picture, or null.")

    class Meta:
        model = Asset
        fields = [
            *("id", "workspace", "collection", "name", "kind", "status", "step", "progress"),
            *("error", "can_retry", "duration_s", "width", "height", "size_bytes", "sha256"),
            *("is_partial", "created", "shown_on", "original", "poster"),
        ]
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uri", "nullable": True})
    def get_original(self, asset: Asset) -> str | None:
        if asset.is_arriving:
            return None
        return self._absolute(media_link(asset.file, download_as=asset.name))

    @extend_schema_field({"type": "string", "format": "uri", "nullable": True})
    def get_poster(self, asset: Asset) -> str | None:
        ready = [r for r in asset.renditions.all() if r.recipe == "poster"]
        done = [r.file for r in ready if r.status == Status.DONE]
        return self._absolute(media_link(done[0])) if done else None

    def _absolute(self, link: str) -> str:
        return self.context["request"].build_absolute_uri(link)


class ProxySerializer(serializers.ModelSerializer):
    """The copy of a film or of sound that browsers can play."""

    remaining_s = serializers.FloatField(
        allow_null=True, read_only=True, help_text="About how long it takes yet."
    )
    link = serializers.SerializerMethodField(help_text="It expires. Null until the copy is made.")

    class Meta:
        model = Rendition
        fields = ["status", "progress", "remaining_s", "error", "can_retry", "link"]
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uri", "nullable": True})
    def get_link(self, proxy: Rendition) -> str | None:
        if proxy.status != Status.DONE:
            return None
        return self.context["request"].build_absolute_uri(media_link(proxy.file))


class AssetDetailSerializer(AssetSerializer):
    proxy = serializers.SerializerMethodField(
        help_text="The copy that browsers can play, made after the asset is ready; null where "
        "the original is one."
    )

    class Meta(AssetSerializer.Meta):
        fields = [*AssetSerializer.Meta.fields, "probe", "proxy"]
        read_only_fields = fields

    @extend_schema_field(ProxySerializer(allow_null=True))
    def get_proxy(self, asset: Asset) -> dict[str, Any] | None:
        proxy = Rendition.objects.filter(asset=asset, recipe=Rendition.PROXY).first()
        return ProxySerializer(proxy, context=self.context).data if proxy else None


class AssetChangeSerializer(Body):
    """What may be changed of an asset."""

    name = serializers.CharField(max_length=255, required=False)
    collection = OfTheSameWorkspace(model=Collection, required=False, allow_null=True)

    shown_on = serializers.DateField(
        required=False,
        allow_null=True,
        help_text="The day on which a film was shown, there; null: not known.",
    )

    def validate_name(self, name: str) -> str:
        from webapp.assets.uploads import clean_name

        return clean_name(name)

    def update(self, asset: Asset, values: dict[str, Any]) -> Asset:
        if "name" in values:
            asset.rename(values["name"], by=self.context["request"].user)
        if "collection" in values:
            asset.move(values["collection"])
        if "shown_on" in values:
            self._say_when(asset, values["shown_on"])
        return asset

    def _say_when(self, asset: Asset, day: date | None) -> None:
        from webapp.assets.days import set_days

        if asset.kind != Asset.Kind.VIDEO:
            raise serializers.ValidationError({"shown_on": "Only a film has a day."})
        try:
            set_days(asset.workspace, {asset.pk: day}, by=self.context["request"].user)
        except Refused as refused:
            raise serializers.ValidationError({"shown_on": str(refused)}) from refused
        asset.shown_on = day
