"""A link that shows what was rendered of a cut to whoever has it."""

from __future__ import annotations

from django.db import models

from webapp.accounts.models import Event, User
from webapp.cuts.cut import Cut
from webapp.sharing import USUAL_DAYS, ExpiringLink


class CutLink(ExpiringLink):
    """It shows the film that was rendered last, and nothing of the library."""

    WORKSPACE = "cut__workspace"
    SHOWS = ("cut__workspace",)

    cut = models.ForeignKey(Cut, models.CASCADE, related_name="links")
    with_titles = models.BooleanField(default=True)  # the titles of its clips below the film
    may_download = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"link to {self.cut}"

    @classmethod
    def make(
        cls,
        cut: Cut,
        *,
        by: User,
        days: int = USUAL_DAYS,
        with_titles: bool = True,
        may_download: bool = False,
    ) -> tuple[CutLink, str]:
        """The link and its token; the token is shown once and only its hash is kept."""
        choices = {"with_titles": with_titles, "may_download": may_download}
        link, token = cls.issue(cut=cut, by=by, days=days, **choices)
        Event.record(cut.workspace, by, "shared a cut", cut.title, days=days)
        return link, token

    def revoke(self, *, by: User) -> None:
        if self.end():
            Event.record(self.cut.workspace, by, "revoked a share link", self.cut.title)
