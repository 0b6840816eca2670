from __future__ import annotations

from typing import Any

from django.db import models, transaction

from webapp import erasing
from webapp.accounts.models import Event, User, Workspace
from webapp.cuts.cut import Cut
from webapp.runs.run import Run
from webapp.sharing import USUAL_DAYS, ExpiringLink
from webapp.stored_files import StoredFile


class Report(models.Model):
    """Issued: numbers frozen with what they rest on. Never changed, only withdrawn."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="reports")
    title = models.CharField(max_length=160)
    runs = models.ManyToManyField(Run, related_name="reports")
    settings = models.JSONField(default=dict)  # the choices of its address: method, threshold …
    numbers = models.JSONField(default=dict)  # reports.figures.figures
    manifest = models.JSONField(
        default=dict
    )  # hashes and versions of video, model, method, software
    cover = models.JSONField(default=dict)  # whose it is, in words: reports.document
    logo = StoredFile(is_shared=True, blank=True)  # the workspace's, when it was issued
    issued_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    issued = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-issued"]

    def __str__(self) -> str:
        return self.title

    def run(self) -> Run | None:
        """The analysis it rests on, while that and its film are not deleted."""
        there = self.runs.filter(removed=None, asset__removed=None)
        return there.select_related("asset", "project").first()

    @classmethod
    @transaction.atomic
    def issue(
        cls,
        run: Run,
        *,
        title: str,
        numbers: dict[str, Any],
        manifest: dict[str, Any],
        settings: dict[str, Any],
        by: User,
    ) -> Report:
        """Freeze these numbers under a title."""
        workspace = run.asset.workspace
        erasing.hold(workspace.logo)
        report = cls.objects.create(
            workspace=workspace,
            title=title[:160],
            settings=settings,
            numbers=numbers,
            manifest=manifest,
            cover={"project": run.project.name, "issuer": workspace.name, "person": str(by)},
            logo=Workspace.objects.values_list("logo", flat=True).get(pk=workspace.pk),
            issued_by=by,
        )
        report.runs.add(run)
        Event.record(report.workspace, by, "issued a report", report.title, run=run.pk)
        return report

    def withdraw(self, *, by: User) -> None:
        """Delete the report; its links stop working."""
        with transaction.atomic():
            Event.record(self.workspace, by, "withdrew a report", self.title, **self.manifest)
            erasing.delete(Report.objects.filter(pk=self.pk))


class ReportReel(models.Model):
    """A cut of a brand's best exposures of a report. `label`: its number in the report, where the
    brand stays when its label is deleted."""

    WORKSPACE = "report__workspace"

    # found by the constraint, which begins with it
    report = models.ForeignKey(Report, models.CASCADE, related_name="reels", db_index=False)
    label = models.PositiveBigIntegerField()
    cut = models.ForeignKey(Cut, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "label"], name="one_reel_a_brand_of_a_report")
        ]

    def __str__(self) -> str:
        return f"highlight reel in {self.report}"


class ShareLink(ExpiringLink):
    """A link that shows one report to whoever has it, until it expires or is revoked."""

    WORKSPACE = "report__workspace"
    SHOWS = ("report__workspace",)

    report = models.ForeignKey(Report, models.CASCADE, related_name="links")
    with_reels = models.BooleanField(default=False)  # the highlight reels of its brands

    def __str__(self) -> str:
        return f"link to {self.report}"

    @classmethod
    def make(
        cls, report: Report, *, by: User, days: int = USUAL_DAYS, with_reels: bool = False
    ) -> tuple[ShareLink, str]:
        """The link and its token; the token is shown once and only its hash is kept."""
        link, token = cls.issue(report=report, by=by, days=days, with_reels=with_reels)
        about = {"days": days} | ({"with_reels": True} if with_reels else {})
        Event.record(report.workspace, by, "shared a report", report.title, **about)
        return link, token

    def revoke(self, *, by: User) -> None:
        if self.end():
            Event.record(self.report.workspace, by, "revoked a share link", self.report.title)
