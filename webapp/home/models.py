from __future__ import annotations

from django.db import models

from webapp.accounts.models import User


class Dismissal(models.Model):
    """Something under "Needs you" that a person has seen and does not want to see again.

    `key` says what and as of when: what fails anew is shown anew. So it is with the demo's tour.
    """

    WORKSPACE = None  # a person's own

    user = models.ForeignKey(User, models.CASCADE, related_name="dismissals")
    key = models.CharField(max_length=120)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="dismissed_once")]

    def __str__(self) -> str:
        return f"{self.key}, seen by {self.user}"
