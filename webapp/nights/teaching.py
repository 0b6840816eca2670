"""Teaching what is real: from verdicts of people and from what is put into exposures.

One teaching that is done is a version of the model; one version of a workspace at a time scores
what its nights find, and any earlier one can again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from webapp import erasing, jobs, torch_arriving
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.leases import Leased, LeasedQuerySet, Piece, Status, about_left_s
from webapp.nights.night import Night
from webapp.nights.options import Number
from webapp.runs.workers import Worker
from webapp.stored_files import StoredFile

QUEUE = "train"
MOST_NIGHTS = 50
# Where examples are from: in words, and whether they are real. They are kept by their order.
SOURCES = {
    "accepted": ("Accepted by people", True),
    "put in": ("Points put in", True),
    "rejected": ("Rejected by people", False),
    "left over": ("Detections that lie on no line", False),
    "hits put in": ("Cosmic rays put in", False),
}
NUMBERS: dict[str, Number] = {
    "put_in": Number(
        "Put into an exposure", "", 0, 1000, 150,
        "Points of known brightness that are put into copies of up to four exposures of each "
        "night, and as many hits of cosmic rays: examples of what is real and what is not, where "
        "people have not decided enough.",
        is_whole=True,
    ),
    "epochs": Number(
        "Epochs", "", 1, 200, 30,
        "How often the network sees each example, at most. It ends earlier where it gets no "
        "better.",
        is_whole=True,
    ),
    "tile_epochs": Number(
        "Epochs of the network on tiles", "", 1, 200, 15,
        "How often a network on tiles sees each tile, where one is taught. On a processor each "
        "takes about half a minute.",
        is_whole=True,
    ),
    "cut": Number(
        "Looked at last below", "", 0.0, 0.9, 0.1,
        "Candidates that are less likely real than this come at the end of the review. None is "
        "left out.",
    ),
}  # fmt: skip
# Whether a network that looks at tiles of whole exposures is taught as well.
TILES_TITLE = "Also teach a network to find by"
TILES_HELP = (
    "It looks at tiles of the exposure, the reference and what is left between them, and learns "
    "from points and short trails that are put into the exposures of these nights. A night can be "
    "asked to look by it beside the usual search. It takes minutes more."
)
DEFAULTS: dict[str, Any] = {"tiles": False} | {
    name: number.usual for name, number in NUMBERS.items()
}


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """All options, with defaults for what is not said. Raises Refused in words."""
    if unknown := sorted(set(options) - set(DEFAULTS)):
        raise Refused(f"There is no option “{unknown[0]}” of teaching what is real.")
    wanted = DEFAULTS | dict(options)
    if not isinstance(wanted["tiles"], bool):
        raise Refused("Whether a network on tiles is taught is true or false.")
    numbers = {name: number.checked(wanted[name]) for name, number in NUMBERS.items()}
    return {"tiles": wanted["tiles"]} | numbers


class SkyTeachingQuerySet(LeasedQuerySet["SkyTeaching"]):
    @transaction.atomic
    def request(
        self,
        workspace: Workspace,
        nights: Sequence[Night],
        *,
        options: Mapping[str, Any] | None = None,
        by: User | None,
    ) -> SkyTeaching:
        """A new teaching from these nights. Raises Refused with the reason why not."""
        wanted = checked(options or {})
        if not nights:
            raise Refused("Choose at least one night to learn from.")
        if len(nights) > MOST_NIGHTS:
            raise Refused(f"Choose {MOST_NIGHTS} nights at most.")
        for night in nights:
            if night.workspace_id != workspace.pk:
                raise Refused("A night is in another workspace.")
            if night.status != Status.DONE:
                raise Refused(f"The night “{night}” is not searched yet.")
        row = self.create(
            workspace=workspace,
            options=wanted,
            software_version=settings.VERSION,
            created_by=by,
        )
        row.nights.set(nights)
        Event.record(workspace, by, "began to teach what is real", str(row), nights=len(nights))
        jobs.ring(row)
        return row

    def in_use(self, workspace: Workspace | int) -> SkyTeaching | None:
        """The version that scores what nights of a workspace find."""
        return self.filter(workspace=workspace, is_in_use=True).first()

    def looking(self, workspace: Workspace | int) -> SkyTeaching | None:
        """The version whose network on tiles a night can look by: the newest that has one."""
        every = self.filter(workspace=workspace, status=Status.DONE).exclude(network="")
        return every.order_by("-pk").first()


class SkyTeaching(Leased):
    """Nights in, a model of what is real out, or a sentence saying why not.

    counts: examples by where they are from. curve: a row for each epoch of the network. figures:
    as `analysis.sky.realbogus.Trained` has them. worst: examples that it is most wrong about, of
    those that it did not learn from: picture, whether it is real, score, and of what.
    """

    WORKSPACE = "workspace"
    PIECE = Piece("teach_sky", QUEUE, "models of what is real to teach")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="sky_teachings")
    nights = models.ManyToManyField(Night, related_name="teachings")
    options: Any = models.JSONField(default=dict)
    software_version = models.CharField(max_length=40)
    step = models.CharField(max_length=80, blank=True)  # what it does now, in words
    progress = models.FloatField(default=0)
    is_cancelled = models.BooleanField(default=False)
    counts: Any = models.JSONField(default=dict, blank=True)
    curve: Any = models.JSONField(default=list, blank=True)
    figures: Any = models.JSONField(default=dict, blank=True)
    notes: Any = models.JSONField(default=list, blank=True)  # sentences
    worst: Any = models.JSONField(default=list, blank=True)
    examples = StoredFile(blank=True)  # as they were gathered, to go on from elsewhere
    file = StoredFile(blank=True)  # ONNX
    network = StoredFile(blank=True)  # on tiles, safetensors; figures["tiles"] is how good it is
    is_in_use = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SkyTeachingQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(is_in_use=True), name="one_sky_model_in_use"
            )
        ]

    def __str__(self) -> str:
        return f"Teaching {self.pk} of what is real"

    # --- questions ----------------------------------------------------------------------

    @property
    def state(self) -> str:
        """One word for programs: waiting, working, done, failed or cancelled."""
        if self.status == Status.FAILED and self.is_cancelled:
            return "cancelled"
        return self.status

    @property
    def kind(self) -> str:
        """What is taken: network, features or both; "" before that is known."""
        return str(self.figures.get("taken", ""))

    @property
    def area(self) -> float | None:
        """Under the ROC curve of what is taken; None before that is known."""
        return self.figures[self.kind]["auc"] if self.kind else None

    @property
    def remaining_s(self) -> float | None:
        return about_left_s(self, self.progress)

    def waiting_because(self) -> str:
        """Why nothing is happening just now, or "" when something is."""
        if self.status != Status.WAITING:
            return ""
        if torch_arriving.is_arriving():
            return f"{torch_arriving.WAITS.capitalize()}."
        if not Worker.objects.serving(QUEUE).exists():
            return "No training worker is running. Start one with `make serve`."
        return "The worker is about to start it."

    # --- verbs a person uses ------------------------------------------------------------

    @transaction.atomic
    def use(self, *, by: User | None) -> None:
        """Let this version score from now on. Raises Refused where there is nothing to use."""
        if self.status != Status.DONE or not self.file:
            raise Refused("It is not taught yet.")
        Workspace.objects.select_for_update().get(pk=self.workspace_id)
        every = SkyTeaching.objects.filter(workspace=self.workspace_id)
        every.filter(is_in_use=True).update(is_in_use=False)
        every.filter(pk=self.pk).update(is_in_use=True)
        self.is_in_use = True
        Event.record(self.workspace, by, "uses a model of what is real", str(self))

    @transaction.atomic
    def use_none(self, *, by: User | None) -> None:
        """Score by what Sightline comes with from now on."""
        SkyTeaching.objects.filter(pk=self.pk).update(is_in_use=False)
        self.is_in_use = False
        Event.record(self.workspace, by, "stopped using a model of what is real", str(self))

    @transaction.atomic
    def remove(self, *, by: User | None) -> None:
        """Delete it with its file; scores that it gave stay where they are."""
        Event.record(self.workspace, by, "deleted a model of what is real", str(self))
        erasing.delete(SkyTeaching.objects.filter(pk=self.pk))
