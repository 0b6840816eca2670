"""Methodologies that a workspace makes for itself, from the parameters that the presets have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from analysis.exposure.methodologies import METHODOLOGIES, Methodology, Weights
from webapp.accounts.models import Event, Refused, User, Workspace

RULES = (
    *("gap_s", "minimum_s", "bridge_counts", "min_size", "min_visibility", "min_clarity"),
    *("dominant_only", "weights", "size_reference", "mention_s", "note"),
)
SINCE: dict[str, Any] = {"mention_s": 0.0}  # rules that versions of before do not have
WEIGHTS = tuple(field.name for field in fields(Weights))
KEY = r"own-([0-9]{1,18})(?:-v([0-9]{1,9}))?"


def rules_of(method: Methodology) -> dict[str, Any]:
    """The parameters as JSON holds them."""
    rules = {name: getattr(method, name) for name in RULES}
    return rules | {"weights": {name: getattr(method.weights, name) for name in WEIGHTS}}


def from_rules(rules: Mapping[str, Any], **named: Any) -> Methodology:
    """The methodology of such parameters. Raises ValueError where they make no sense."""
    rules = SINCE | dict(rules)
    weights = Weights(**rules["weights"])
    return Methodology(**{**{name: rules[name] for name in RULES}, "weights": weights}, **named)


class OwnMethodology(models.Model):
    """Its rules are those of its newest version; a change makes another version."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="methodologies")
    name = models.CharField(max_length=60)
    archived = models.DateTimeField(null=True, blank=True)  # offered no more
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    @transaction.atomic
    def make(
        cls, workspace: Workspace, name: str, rules: Mapping[str, Any], *, by: User | None
    ) -> OwnMethodology:
        """Raises Refused where the name is taken."""
        _refuse_a_taken_name(workspace, name)
        made = cls.objects.create(workspace=workspace, name=name)
        made.versions.create(number=1, name=name, rules=dict(rules), created_by=by)
        Event.record(workspace, by, "made a methodology", name)
        return made

    @transaction.atomic
    def change(self, name: str, rules: Mapping[str, Any], *, by: User | None) -> MethodologyVersion:
        """The version with these rules: a new one, unless nothing changed.

        Issued reports keep the version they were counted by. Raises Refused for a taken name.
        """
        OwnMethodology.objects.select_for_update().get(pk=self.pk)
        newest = self.newest
        if SINCE | newest.rules == dict(rules) and newest.name == name:
            return newest
        _refuse_a_taken_name(self.workspace, name, but=self)
        self.name = name
        self.save(update_fields=["name"])
        number = newest.number + 1
        Event.record(self.workspace, by, "changed a methodology", name, version=number)
        return self.versions.create(number=number, name=name, rules=dict(rules), created_by=by)

    def archive(self, *, by: User | None) -> None:
        """Offer it no more; what was counted by it stays, and links to it work."""
        self._show(timezone.now(), "archived a methodology", by)

    def unarchive(self, *, by: User | None) -> None:
        self._show(None, "offered a methodology again", by)

    def _show(self, archived: Any, what: str, by: User | None) -> None:
        self.archived = archived
        self.save(update_fields=["archived"])
        Event.record(self.workspace, by, what, self.name)

    @property
    def newest(self) -> MethodologyVersion:
        return self.versions.latest("number")

    @property
    def key(self) -> str:
        return f"own-{self.pk}"


def _refuse_a_taken_name(
    workspace: Workspace, name: str, but: OwnMethodology | None = None
) -> None:
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    others = workspace.methodologies.exclude(pk=but.pk if but else 0)
    taken = others.filter(name__iexact=name).exists()
    if taken or name.casefold() in {method.name.casefold() for method in METHODOLOGIES.values()}:
        raise Refused(f"There is a methodology called {name} already.")


class MethodologyVersion(models.Model):
    """Never changed. Its key with its number names it for ever."""

    WORKSPACE = "methodology__workspace"

    methodology = models.ForeignKey(OwnMethodology, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    rules = models.JSONField()
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["methodology", "number"], name="one_of_each_version")
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"

    @property
    def key(self) -> str:
        """Of this version, whatever is changed later."""
        return f"own-{self.methodology_id}-v{self.number}"

    @property
    def rule(self) -> Methodology:
        """What `analysis` counts by."""
        key = f"own-{self.methodology_id}"
        return from_rules(self.rules, key=key, name=self.name, version=self.number)


def named(key: str, workspace_id: int | None) -> tuple[Methodology, str] | None:
    """The methodology of this key as the workspace has it, and the key of this very version.

    None where there is none. A key without a version is the newest.
    """
    if key in METHODOLOGIES:
        return METHODOLOGIES[key], key
    match = re.fullmatch(KEY, key)
    if match is None or workspace_id is None:
        return None
    versions = MethodologyVersion.objects.filter(
        methodology=int(match[1]), methodology__workspace=workspace_id
    )
    if match[2]:
        versions = versions.filter(number=int(match[2]))
    found = versions.order_by("-number").first()
    return (found.rule, found.key) if found else None


def offered(workspace_id: int, chosen: str = "") -> list[Methodology]:
    """What can be chosen: the presets, the workspace's own, and an older version that is shown.

    The key of each is what an address says.
    """
    own = OwnMethodology.objects.filter(workspace=workspace_id).prefetch_related("versions")
    shown = [m for m in own if m.archived is None or m.key == chosen]
    rows = [*METHODOLOGIES.values(), *(m.versions.all()[0].rule for m in shown)]
    if chosen and chosen not in {method.key for method in rows}:
        found = named(chosen, workspace_id)
        if found:
            name = f"{found[0].name}, version {found[0].version}"
            rows.append(replace(found[0], key=chosen, name=name))
    return rows
