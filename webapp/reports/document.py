"""A report as it is sent on: its numbers with what the cover says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.accounts.models import User
from webapp.reports.figures import manifest
from webapp.reports.models import Report
from webapp.runs.run import Run


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    numbers: dict[str, Any]  # reports.figures.figures
    manifest: dict[str, Any]
    project: str
    issuer: str  # the workspace
    person: str
    issued: datetime | None  # None: a draft, which follows its run
    logo: str  # a file of the media storage, or ""
    run: Run | None  # None: its asset was deleted since

    @classmethod
    def draft(cls, run: Run, numbers: dict[str, Any], *, by: User) -> Document:
        """What would be issued now."""
        return cls(
            title=run.asset.stem,
            numbers=numbers,
            manifest=manifest(run, numbers),
            project=run.project.name,
            issuer=run.asset.workspace.name,
            person=str(by),
            issued=None,
            logo=run.asset.workspace.logo,
            run=run,
        )

    @classmethod
    def of(cls, report: Report) -> Document:
        """As it was issued."""
        run = report.run()
        cover = report.cover
        return cls(
            title=report.title,
            numbers=report.numbers,
            manifest=report.manifest,
            project=cover.get("project") or (run.project.name if run else ""),
            issuer=cover.get("issuer") or report.workspace.name,
            person=cover.get("person") or str(report.issued_by or ""),
            issued=report.issued,
            logo=report.logo,
            run=run,
        )

    @property
    def exposure(self) -> dict[str, Any]:
        return self.numbers["exposure"]

    @property
    def is_picture(self) -> bool:
        return not self.exposure["duration_s"]

    @property
    def brands(self) -> list[dict[str, Any]]:
        """Those that are not left out, most seen first, as on the page."""
        shown = [brand for brand in self.exposure["brands"] if not brand["is_hidden"]]
        return sorted(shown, key=lambda brand: (not brand["frames"], -brand["reported_s"]))

    @property
    def seen(self) -> list[dict[str, Any]]:
        return [brand for brand in self.brands if brand["frames"]]
