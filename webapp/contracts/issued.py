"""A contract report that was issued: figures frozen as they stood, shared by links that end."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from webapp import erasing
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.contracts.contract import Contract
from webapp.sharing import USUAL_DAYS, ExpiringLink
from webapp.stored_files import StoredFile


class IssuedContract(models.Model):
    """Never changed, only withdrawn: whatever becomes of the contract, its brand or its films."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="issued_contracts")
    contract = models.ForeignKey(Contract, models.SET_NULL, null=True, related_name="issued")
    title = models.CharField(max_length=160)
    numbers: Any = models.JSONField(default=dict)  # contracts.delivered.figures
    cover: Any = models.JSONField(default=dict)  # whose it is, in words: issuer and person
    logo = StoredFile(is_shared=True, blank=True)  # the workspace's, when it was issued
    issued_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    issued = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-issued", "-pk"]

    def __str__(self) -> str:
        return self.title

    @classmethod
    @transaction.atomic
    def issue(
        cls, contract: Contract, numbers: dict[str, Any], *, title: str, by: User
    ) -> IssuedContract:
        """Freeze how it stands. Raises Refused where nothing is known that could be."""
        if not numbers["promises"]:
            raise Refused("There are no figures to issue: its brand was deleted before any.")
        workspace = Workspace.objects.get(pk=contract.workspace_id)
        erasing.hold(workspace.logo)
        made = cls.objects.create(
            workspace=workspace,
            contract=contract,
            title=(" ".join(title.split()) or contract.name)[:160],
            numbers=numbers,
            cover={"issuer": workspace.name, "person": str(by)},
            logo=workspace.logo,
            issued_by=by,
        )
        about = {"contract": contract.pk, "sha256": numbers["sha256"]}
        Event.record(workspace, by, "issued a contract report", made.title, **about)
        return made

    @transaction.atomic
    def withdraw(self, *, by: User) -> None:
        """Delete it; its links stop working."""
        about = {"sha256": self.numbers["sha256"]}
        Event.record(self.workspace, by, "withdrew a contract report", self.title, **about)
        erasing.delete(IssuedContract.objects.filter(pk=self.pk))


class ContractLink(ExpiringLink):
    """A link that shows one issued contract report to whoever has it."""

    WORKSPACE = "report__workspace"
    SHOWS = ("report__workspace",)

    report = models.ForeignKey(IssuedContract, models.CASCADE, related_name="links")

    def __str__(self) -> str:
        return f"link to {self.report}"

    @classmethod
    @transaction.atomic
    def make(
        cls, report: IssuedContract, *, by: User, days: int = USUAL_DAYS
    ) -> tuple[ContractLink, str]:
        """The link and its token; the token is shown once and only its hash is kept."""
        link, token = cls.issue(report=report, by=by, days=days)
        Event.record(report.workspace, by, "shared a contract report", report.title, days=days)
        return link, token

    @transaction.atomic
    def revoke(self, *, by: User) -> None:
        if self.end():
            title = self.report.title
            Event.record(self.report.workspace, by, "revoked a share link", title)
