"""Boxes that a tracker carries on while somebody draws."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.labelling.works import Work
from webapp.leases import Leased, LeasedQuerySet, Piece, Status


class Prediction(Leased):
    """A box carried over the next or previous frames of a clip by a tracker."""

    WORKSPACE = "work__item__job__dataset__project__workspace"
    PIECE = Piece("predict", "soon", "predicted boxes")

    work = models.ForeignKey(Work, models.CASCADE, related_name="predictions")
    shape = models.CharField(max_length=40)
    frame = models.PositiveIntegerField()
    box = models.JSONField()  # on that frame
    count = models.PositiveIntegerField()
    direction = models.SmallIntegerField(default=1)  # -1: towards the beginning
    boxes = models.JSONField(default=dict, blank=True)  # {"13": [x1, y1, x2, y2, score]}
    stopped_because = models.CharField(max_length=120, blank=True)
    is_cancelled = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"prediction of {self.shape} from frame {self.frame}"

    def as_json(self) -> dict[str, Any]:
        """How far it is, for the page that asked."""
        stopped = self.is_cancelled and self.status != Status.DONE
        return {
            "id": self.pk,
            "shape": self.shape,
            "frame": self.frame,
            "direction": self.direction,
            "status": "stopped" if stopped or self.stopped_because else self.status,
            "done": len(self.boxes),
            "count": self.count,
            "boxes": self.boxes,
            "stopped_because": self.stopped_because or ("cancelled" if stopped else ""),
            "error": self.error,
        }

    def is_wanted(self) -> bool:
        return type(self).objects.filter(pk=self.pk, is_cancelled=False).exists()

    def cancel(self, **changes: Any) -> bool:
        """Stop. The worker notices, and the boxes so far stay, for who asks."""
        self.is_cancelled = True
        return bool(type(self).objects.filter(pk=self.pk).update(is_cancelled=True, **changes))
