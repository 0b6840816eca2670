from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core import signing
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.erasing import hold
from webapp.projects.colours import apart, is_alike
from webapp.projects.pictures import Picture
from webapp.registry.versions import ModelVersion
from webapp.storage import keep_once
from webapp.stored_files import StoredFile

__all__ = [
    *("Label", "Project", "Reference", "Refused", "fingerprint", "label_snapshot", "snapshot"),
]


class ProjectQuerySet(models.QuerySet["Project"]):
    @transaction.atomic
    def begin(
        self, workspace: Workspace, name: str, *, by: User | None, brands: Iterable[str] = ()
    ) -> Project:
        """A new project, with a label for each brand."""
        if self.filter(workspace=workspace, name__iexact=name).exists():
            raise Refused(f"There is a project called {name} already.")
        project = self.create(workspace=workspace, name=name, created_by=by)
        Event.record(workspace, by, "made a project", name)
        for brand in brands:
            project.add_label(brand, by=by)
        return project

    def deleted(self) -> ProjectQuerySet:
        return self.filter(workspace=None)


class Project(models.Model):
    """What to look for: labels, their references, and how frames are sampled.

    What people delete belongs to no workspace any more, so that no query of theirs finds it; see
    webapp.removal.
    """

    MAX_LABELS = 250

    # None once it is deleted, and no query finds it then: to whoever holds one it has a workspace.
    workspace: models.ForeignKey[Workspace | None, Workspace] = models.ForeignKey(  # type: ignore[misc]
        Workspace, models.CASCADE, null=True, related_name="projects"
    )
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    # defaults of a run: {"mode": "interval", "interval_s": 0.2, "change": 0.03, "tile": null,
    # "follow": true}
    sampling = models.JSONField(default=dict, blank=True)
    uses_references = models.BooleanField(default=True)
    model_version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="projects"
    )
    # Labelled pictures go into its datasets once a reviewer has accepted them.
    reviewed_only = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)  # for two browsers editing one project
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    removed = models.DateTimeField(null=True, blank=True)  # when it was deleted …
    erased = models.DateTimeField(null=True, blank=True)  # … and all but a record of it was gone

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="one_project_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    def touch(self, seen: int) -> bool:
        """Claim the next version for an edit made on top of version `seen`.

        False: somebody else changed the project meanwhile, and the edit must be shown to its
        author against what is there now.
        """
        return bool(
            Project.objects.filter(pk=self.pk, version=seen).update(
                version=F("version") + 1, changed=timezone.now()
            )
        )

    def _grow(self) -> None:
        """Count an edit that takes nothing from anybody, such as one more label."""
        Project.objects.filter(pk=self.pk).update(version=F("version") + 1, changed=timezone.now())

    def _colour_of(self, name: str) -> str:
        """The colour this brand has in another project, or one that no other brand has."""
        mine = list(self.labels.values_list("colour", flat=True))
        others = Label.objects.filter(project__workspace=self.workspace).exclude(project=self)
        theirs = dict(others.values_list("name", "colour"))
        known = theirs.get(name)
        if known and not is_alike(known, mine):
            return known
        return apart(mine, rather_not=theirs.values())

    # --- questions ----------------------------------------------------------------------

    def current_labels(self) -> models.QuerySet[Label]:
        return self.labels.filter(archived=None).prefetch_related("references")

    def twins(self) -> dict[str, list[str]]:
        """Pictures that several labels share, and those labels: they cannot be told apart."""
        seen: dict[str, list[str]] = {}
        pictures = Reference.objects.logos().filter(label__project=self, label__archived=None)
        for sha256, name in pictures.values_list("sha256", "label__name"):
            seen.setdefault(sha256, []).append(name)
        return {sha256: names for sha256, names in seen.items() if len(names) > 1}

    def model_mapping(self) -> tuple[list[str], list[str], list[str]]:
        """Names that both the model and the labels know, only the labels, only the model.

        A run goes by name or alias, whatever the case; so does this.
        """
        if self.model_version is None:
            return [], [], []
        known = {name.casefold() for name in self.model_version.labels}
        labels = list(self.labels.filter(archived=None))
        spoken = {word for label in labels for word in label.words()}
        both = [label.name for label in labels if known & label.words()]
        only_labels = [label.name for label in labels if not known & label.words()]
        only_model = [n for n in self.model_version.labels if n.casefold() not in spoken]
        return both, only_labels, only_model

    # --- verbs --------------------------------------------------------------------------

    def rename(self, name: str, description: str, *, seen: int, by: User | None) -> bool:
        """False: the project changed since version `seen`, and nothing was done."""
        others = Project.objects.filter(workspace=self.workspace, name__iexact=name)
        if others.exclude(pk=self.pk).exists():
            raise Refused(f"There is a project called {name} already.")
        with transaction.atomic():
            if not self.touch(seen):
                return False
            self.name, self.description = name, description
            self.save(update_fields=["name", "description", "changed"])
            Event.record(self.workspace, by, "renamed a project", name)
        return True

    @transaction.atomic
    def configure(
        self,
        *,
        sampling: dict[str, Any],
        uses_references: bool,
        model_version: ModelVersion | None,
        seen: int,
        by: User | None,
    ) -> bool:
        """How frames are chosen and what looks at them, from the next run on."""
        if model_version and not model_version.is_usable:
            raise Refused(f"{model_version} has not passed its check.")
        if not self.touch(seen):
            return False
        self.sampling, self.uses_references = sampling, uses_references
        self.model_version = model_version
        fields = ["sampling", "uses_references", "model_version", "changed"]
        self.save(update_fields=fields)
        Event.record(self.workspace, by, "changed how a project looks", self.name, **sampling)
        return True

    @transaction.atomic
    def ask_for_review(self, asked: bool, *, by: User | None) -> None:
        """Whether labelled pictures count only once a reviewer has accepted them, from now on."""
        self.reviewed_only = asked
        self.save(update_fields=["reviewed_only", "changed"])
        what = "asked for review of labels" if asked else "asked for no review of labels"
        Event.record(self.workspace, by, what, self.name)

    @transaction.atomic
    def remove(self, *, by: User | None, **about: Any) -> None:
        """Take it and all that is in it out of sight. Call webapp.removal, which looks first
        whether anything speaks against it."""
        Event.record(self.workspace, by, "deleted a project", self.name, **about)
        self.workspace, self.model_version, self.removed = None, None, timezone.now()
        self.save(update_fields=["workspace", "model_version", "removed"])

    @classmethod
    def grave_for(cls, project: Project) -> Project:
        """A place of the same name for what was deleted out of `project`."""
        return cls.objects.create(workspace=None, name=project.name, removed=timezone.now())

    @transaction.atomic
    def add_label(self, name: str, *, by: User | None) -> Label:
        """A new label; one of this name that was removed comes back with its pictures."""
        name = " ".join(name.split())
        if not name:
            raise Refused("A label needs a name.")
        if len(name) > 60:
            raise Refused(f"{name[:30]}… is too long for a label: 60 letters at most.")
        self._grow()  # first, so that two people adding at once wait for one another
        if self.labels.filter(archived=None).count() >= self.MAX_LABELS:
            raise Refused(f"A project holds {self.MAX_LABELS} labels at most.")
        if before := self.labels.filter(name__iexact=name).first():
            if before.archived is None:
                raise Refused(f"There is a label called {before.name} already.")
            before.restore(by=by)
            return before
        last = self.labels.aggregate(models.Max("position"))["position__max"]
        label = self.labels.create(
            name=name, colour=self._colour_of(name), position=0 if last is None else last + 1
        )
        Event.record(self.workspace, by, "added a label", name, project=self.name)
        return label

    def add_labels(self, names: Iterable[str], *, by: User | None) -> tuple[list[Label], list[str]]:
        """The labels that were added, and a sentence for each that was not."""
        added, refusals = [], []
        for name in names:
            try:
                added.append(self.add_label(name, by=by))
            except Refused as refused:
                refusals.append(str(refused))
        return added, refusals

    @transaction.atomic
    def reorder(self, wanted: Sequence[int], *, seen: int) -> bool:
        """Labels in the order of these ids; those not named follow as they were."""
        if not self.touch(seen):
            return False
        labels = {label.pk: label for label in self.labels.all()}
        order = [pk for pk in dict.fromkeys(wanted) if pk in labels]
        order += [pk for pk in labels if pk not in order]
        for position, pk in enumerate(order):
            labels[pk].position = position
        Label.objects.bulk_update(labels.values(), ["position"])
        return True


class Label(models.Model):
    """A brand or thing to find. `threshold` is for showing; nothing above the floor is lost."""

    WORKSPACE = "project__workspace"

    project = models.ForeignKey(Project, models.CASCADE, related_name="labels")
    name = models.CharField(max_length=60)
    colour = models.CharField(
        max_length=7, validators=[RegexValidator(r"^#[0-9a-f]{6}$", "A colour reads #rrggbb.")]
    )
    aliases = models.JSONField(default=list, blank=True, help_text="Also said or written as.")
    not_in = models.JSONField(
        default=list, blank=True, help_text="Words around it in which it means something else."
    )
    is_ordinary = models.BooleanField(
        default=False, help_text="It is an ordinary word too: said, it counts as a name only."
    )
    threshold = models.FloatField(
        default=0.5, validators=[MinValueValidator(0.05), MaxValueValidator(1)]
    )
    # a person chose it: what is measured does not change it unasked
    threshold_by_hand = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)
    archived = models.DateTimeField(null=True, blank=True)  # its past detections remain

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_label_a_name")]

    def __str__(self) -> str:
        return self.name

    def words(self) -> set[str]:
        """What a model may call it."""
        return {word.casefold() for word in [self.name, *self.aliases]}

    def class_among(self, n_right: Mapping[str, int]) -> str | None:
        """Which of a model's classes, casefolded and with how often each was found rightly, speaks
        for it: its own name before its aliases, what was found more often before what was less."""
        return min(
            self.words() & set(n_right),
            key=lambda word: (word != self.name.casefold(), -n_right[word], word),
            default=None,
        )

    def edit(self, *, seen: int, by: User | None, **values: Any) -> bool:
        """Change name, colour, aliases and the like. False: the project changed since `seen`."""
        name = values.get("name", self.name)
        others = self.project.labels.filter(name__iexact=name).exclude(pk=self.pk)
        if other := others.first():
            gone = " It was removed; add it again to bring it back." if other.archived else ""
            raise Refused(f"There is a label called {other.name} already.{gone}")
        with transaction.atomic():
            if not self.project.touch(seen):
                return False
            # a form sends all of a label: what it leaves as it was is nobody's choice
            if values.get("threshold", self.threshold) != self.threshold:
                values["threshold_by_hand"] = True
            for field, value in values.items():
                setattr(self, field, value)
            self.save(update_fields=list(values))
            Event.record(self.project.workspace, by, "edited a label", name)
        return True

    @transaction.atomic
    def archive(self, *, by: User | None) -> None:
        """Take it out of the project. What earlier runs found of it remains."""
        self.archived = timezone.now()
        self.save(update_fields=["archived"])
        self.project._grow()
        Event.record(self.project.workspace, by, "removed a label", self.name)

    @transaction.atomic
    def restore(self, *, by: User | None) -> None:
        self.archived = None
        self.save(update_fields=["archived"])
        self.project._grow()
        Event.record(self.project.workspace, by, "brought back a label", self.name)

    @transaction.atomic
    def add_reference(
        self, picture: Picture, name: str, *, by: User | None, not_this: bool = False
    ) -> Reference:
        """One more picture to know it by, or of what is *not this*. The same bytes are stored once
        for all labels."""
        self.project._grow()  # first, so that two people adding at once wait for one another
        if before := self.references.filter(sha256=picture.sha256).first():
            raise Refused(before.is_there_already())
        if self.references.filter(not_this=not_this).count() >= Reference.MAX_PER_LABEL:
            raise Refused(
                f"A label holds {Reference.MAX_PER_LABEL} "
                f"{'“not this” pictures' if not_this else 'pictures'} at most."
            )
        file = f"references/{picture.sha256}.{picture.extension}"
        hold(file)
        keep_once(file, picture.data)
        reference = self.references.create(
            name=name[:255],
            file=file,
            sha256=picture.sha256,
            width=picture.width,
            height=picture.height,
            has_alpha=picture.has_alpha,
            not_this=not_this,
        )
        jobs.check_reference(reference.pk)
        Event.record(self.project.workspace, by, f"added a {reference.kind}", f"{name} for {self}")
        return reference


class ReferenceQuerySet(models.QuerySet["Reference"]):
    def logos(self) -> ReferenceQuerySet:
        """Those that show their label."""
        return self.filter(not_this=False)

    def unchecked(self) -> ReferenceQuerySet:
        """Those that no worker has looked at, or only one that saw less."""
        return self.exclude(checked=Reference.CHECK)


class Reference(models.Model):
    """A picture of a label's logo, or with `not_this` of what looks like it and is another thing:
    what shows that is not counted. `problem` says why nothing can be recognised by it."""

    MAX_PER_LABEL = 20
    CHECK = 2  # counts up when a worker sees or measures otherwise: all are looked at again
    WORKSPACE = "label__project__workspace"

    label = models.ForeignKey(Label, models.CASCADE, related_name="references")
    name = models.CharField(max_length=255)
    file = StoredFile(is_shared=True)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    has_alpha = models.BooleanField(default=False)
    not_this = models.BooleanField(default=False)
    # What a worker saw in it, and by which check; 0: none yet. See webapp.projects.offers.
    checked = models.PositiveSmallIntegerField(default=0)
    features = models.PositiveIntegerField(null=True)  # local features at working size
    contrast = models.FloatField(null=True)  # spread of its brightness, grey levels …
    colour_contrast = models.FloatField(null=True)  # … and of its colour, where it is known by that
    # pixels of a 1080p frame from which it is found; None once checked: at no width that was tried
    smallest_width = models.PositiveIntegerField(null=True)
    problem = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = ReferenceQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["label", "sha256"], name="same_reference_once")
        ]

    _SEEN = ("features", "contrast", "colour_contrast", "smallest_width", "problem")
    _KEPT = (
        "name",
        "file",
        "sha256",
        "width",
        "height",
        "has_alpha",
        "not_this",
        "checked",
        *_SEEN,
    )

    def __str__(self) -> str:
        return f"{self.name} for {self.label}"

    def as_input(self) -> dict[str, Any]:
        """What a run that looks with it keeps."""
        return {"id": self.pk, "file": self.file, "sha256": self.sha256}

    @property
    def kind(self) -> str:
        return "picture of what it is not" if self.not_this else "logo picture"

    def is_there_already(self) -> str:
        """Why the same picture cannot be added to the label once more."""
        among = " as a “not this” picture" if self.not_this else ""
        return f"{self.label.name} has this picture already{among}."

    @property
    def is_checked(self) -> bool:
        return self.checked == self.CHECK

    @property
    def is_being_looked_at(self) -> bool:
        """Until a minute after it was added: a page need not ask for ever."""
        return not self.is_checked and timezone.now() - self.created < timedelta(minutes=1)

    @transaction.atomic
    def found(self, *, problem: str = "", **seen: float | None) -> None:
        """What a worker saw in it (`_SEEN`). One with a problem is not looked for any more."""
        values = dict.fromkeys(self._SEEN) | {"features": 0} | seen
        values |= {"problem": problem, "checked": self.CHECK}
        mine = type(self).objects.unchecked().filter(pk=self.pk)
        if mine.update(**values) and problem != self.problem:
            self.label.project._grow()

    @transaction.atomic
    def remove(self, *, by: User | None) -> str:
        """Forget the picture. The file stays for the runs that name it; the answer undoes this."""
        kept = {field: getattr(self, field) for field in self._KEPT}
        undo = signing.dumps({"label": self.label_id, **kept}, salt="sightline.reference")
        self.delete()
        self.label.project._grow()
        Event.record(self.label.project.workspace, by, f"removed a {self.kind}", str(self))
        return undo

    @classmethod
    @transaction.atomic
    def bring_back(cls, label: Label, undo: str, *, by: User | None) -> Reference:
        """Undo `remove`. Refused when it is a day ago or the picture is there already."""
        try:
            kept = signing.loads(undo, salt="sightline.reference", max_age=24 * 3600)
        except signing.BadSignature:
            raise Refused("That was too long ago to undo. Add the picture again.") from None
        if kept.pop("label") != label.pk:
            raise Refused("That picture belongs to another label.")
        if before := label.references.filter(sha256=kept["sha256"]).first():
            raise Refused(before.is_there_already())
        reference = label.references.create(**kept)
        label.project._grow()
        Event.record(
            label.project.workspace, by, f"brought back a {reference.kind}", str(reference)
        )
        return reference


def snapshot(project: Project) -> dict[str, Any]:
    """What a run of this project looks for, frozen: labels by every word for them, references,
    model."""
    labels = [
        label_snapshot(label, uses_references=project.uses_references)
        for label in project.labels.filter(archived=None).prefetch_related("references")
    ]
    model = project.model_version.as_input() if project.model_version else None
    return {"project": project.name, "labels": labels, "model": model}


def label_snapshot(label: Label, *, uses_references: bool = True) -> dict[str, Any]:
    """One label, frozen, with its pictures that can be used."""
    pictures = [r for r in label.references.all() if not r.problem]
    logos = [r.as_input() for r in pictures if not r.not_this] if uses_references else []
    frozen = {"id": label.pk, "name": label.name, "aliases": label.aliases, "references": logos}
    if not_this := [r.as_input() for r in pictures if r.not_this]:
        frozen["not_this"] = not_this  # only then: what else a run rests on is what it was before
    return frozen


def fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
