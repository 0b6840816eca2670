"""What the project page shows, gathered in a few queries whatever the number of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Max, Q, prefetch_related_objects

from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.ids import is_id
from webapp.leases import Status
from webapp.projects.forms import MODES, LabelForm, LookingForm, ProjectNameForm
from webapp.projects.models import Label, Project, Reference, snapshot
from webapp.projects.offers import Offer
from webapp.runs.answers import Answer, answers_of
from webapp.runs.refusals import nothing_to_look_for
from webapp.runs.wanted import wanted
from webapp.runs.workers import Worker
from webapp.training.learned import learned_nothing, score

ASSETS_A_PAGE = 25


@dataclass(frozen=True)
class Thumbnail:
    """A reference picture, and the other labels that have the very same one."""

    reference: Reference
    link: str
    twins: list[str]
    offer: Offer


@dataclass(frozen=True)
class Row:
    """A label in the table. `form` holds what was typed when it could not be saved."""

    label: Label
    thumbnails: list[Thumbnail]
    not_this: list[Thumbnail]  # of what looks like it and is another thing
    can_be_found: bool
    in_model: bool
    model_found: tuple[int, int] | None  # by the model alone: how many of how many when tested
    form: LabelForm | None  # only of an open row: 250 forms take their time
    is_open: bool
    conflict: bool

    @property
    def is_doubtful(self) -> bool:
        """Only the model could find it, and it found none when it was tested."""
        return self.model_found is not None and self.model_found[1] > 0 and not self.model_found[0]

    @property
    def twins(self) -> list[str]:
        return sorted({name for thumbnail in self.thumbnails for name in thumbnail.twins})

    @property
    def best(self) -> Thumbnail | None:
        """The picture by which the label is found smallest."""
        found = [t for t in self.thumbnails if t.offer.found_from]
        return min(found, key=lambda t: t.offer.side, default=None)

    @property
    def is_being_looked_at(self) -> bool:
        """A worker will say something of a picture in a moment."""
        shown = [*self.thumbnails, *self.not_this]
        return any(thumbnail.reference.is_being_looked_at for thumbnail in shown)


@dataclass(frozen=True)
class AssetRow:
    asset: Asset
    poster: str
    answer: Answer


def label_rows(
    project: Project,
    *,
    open_: set[int] = frozenset(),  # type: ignore[assignment]
    typed: dict[int, LabelForm] | None = None,
    conflict: int | None = None,
    only: int | None = None,
    open_next: bool = False,
) -> list[Row]:
    """The current labels in order. `typed` has the forms that were refused, by label.

    `open_next` opens the first label that nothing can find: its logo is what is missing.
    """
    twins, typed = project.twins(), typed or {}
    model = project.model_version
    tested = score(model) if model else None
    known = {name.casefold() for name in model.labels} if model else set()
    rows = []
    labels = project.current_labels()
    for label in labels if only is None else labels.filter(pk=only):
        pictures = _thumbnails(label, twins)
        thumbnails = [t for t in pictures if not t.reference.not_this]
        in_model = bool(label.words() & known)
        usable = project.uses_references and any(not t.reference.problem for t in thumbnails)
        is_next = open_next and not usable and not in_model
        open_next = open_next and not is_next
        is_open = is_next or label.pk in open_ or label.pk in typed
        rows.append(
            Row(
                label=label,
                thumbnails=thumbnails,
                not_this=[t for t in pictures if t.reference.not_this],
                can_be_found=usable or in_model,
                in_model=in_model,
                model_found=tested.of_label(label.words())
                if tested and in_model and not usable
                else None,
                form=typed.get(label.pk) or (LabelForm.of(label) if is_open else None),
                is_open=is_open,
                conflict=label.pk == conflict,
            )
        )
    opened = [row.label for row in rows if row.is_open]
    prefetch_related_objects(opened, "guidelines__by", "guide_pictures")
    return rows


def _thumbnails(label: Label, twins: dict[str, list[str]]) -> list[Thumbnail]:
    return [
        Thumbnail(
            reference=reference,
            link=media_link(reference.file),
            offer=Offer.of(reference),
            twins=[
                name
                for name in twins.get(reference.sha256, [])
                if name != label.name and not reference.not_this
            ],
        )
        for reference in label.references.all()
    ]


def labels_context(project: Project, **state: Any) -> dict[str, Any]:
    rows = label_rows(project, **state)
    both, only_labels, only_model = project.model_mapping()
    model = project.model_version
    tested = score(model) if model else None
    return {
        "project": project,
        "guide_kinds": [(True, "Like this"), (False, "Not like this")],
        "rows": rows,
        "n_blind": sum(not row.can_be_found for row in rows),
        "n_doubtful": sum(row.is_doubtful for row in rows),
        "n_by_model": sum(row.in_model for row in rows),
        "model_score": tested,
        "unlearned": learned_nothing(model, tested) if model else None,
        "removed": project.labels.exclude(archived=None),
        "max_labels": Project.MAX_LABELS,
        "mapping": {"both": both, "only_labels": only_labels, "only_model": only_model},
    }


def looking_context(
    project: Project, form: LookingForm | None = None, *, conflict: bool = False
) -> dict[str, Any]:
    return {
        "project": project,
        "looking": form or LookingForm.of(project),
        "looking_conflict": conflict,
        "looking_now": LookingForm.of(project) if conflict else None,
        "modes": MODES,
        "mode_title": {mode: title for mode, title, _ in MODES},
    }


def naming_context(
    project: Project, form: ProjectNameForm | None = None, *, conflict: bool = False
) -> dict[str, Any]:
    now = {"name": project.name, "description": project.description}
    return {
        "project": project,
        "naming": form or ProjectNameForm(initial=now),
        "naming_conflict": conflict,
    }


def assets_context(project: Project, number: str | None) -> dict[str, Any]:
    """The assets that were analysed for this project, the latest run of each.

    What comes is read first: a run that begins meanwhile is in both lists, and never in none, after
    which the page would not ask again.
    """
    coming = list(wanted().filter(project=project)[:ASSETS_A_PAGE])
    looked = Q(runs__project=project, runs__is_shadow=False)
    assets = (
        Asset.objects.filter(looked)
        .annotate(last_run=Max("runs__pk", filter=looked))
        .order_by("-last_run")
    )
    page: Page = Paginator(assets, ASSETS_A_PAGE).get_page(number)
    links = posters([asset.pk for asset in page])
    answers = {
        pk: answer
        for pk, found in answers_of(page).items()
        for answer in found
        if answer.project == project
    }
    rows = [
        AssetRow(asset, links.get(asset.pk, ""), answer)
        for asset in page
        if (answer := answers.get(asset.pk))
    ]
    others = Asset.objects.filter(workspace=project.workspace).ready()
    others = others.with_frames().exclude(pk__in=project.runs.values("asset"))
    return {
        "project": project,
        "page": page,
        "asset_rows": rows,
        "n_others": others.count(),
        "coming": coming,
        "nothing": nothing_to_look_for(snapshot(project)),
        "is_unserved": bool(coming) and not Worker.objects.serving("ingest").exists(),
        "is_running": bool(coming) or any(row.answer.is_going_on for row in rows),
    }


def posters(assets: list[int]) -> dict[int, str]:
    """Links to the posters of these assets, where they are made."""
    made = Rendition.objects.filter(asset__in=assets, recipe="poster", status=Status.DONE)
    return {pk: media_link(file) for pk, file in made.values_list("asset_id", "file")}


def numbers(text: str) -> set[int]:
    """The ids in "3,7,12"; what is none is left out."""
    return {int(part) for part in text.split(",") if is_id(part)}


def whole_page(
    project: Project, request: MemberRequest, **answers: dict[str, Any]
) -> dict[str, Any]:
    """Everything, with the parts in `answers` (labels, looking, naming) as they are given."""
    open_ = numbers(request.GET.get("open", ""))
    open_next = not open_ and request.membership.can(Action.ANALYSE)
    parts = {
        "labels": answers.get("labels")
        or labels_context(project, open_=open_, open_next=open_next),
        "looking": answers.get("looking") or looking_context(project),
        "naming": answers.get("naming") or naming_context(project),
        "assets": assets_context(project, request.GET.get("page")),
    }
    return {key: value for part in parts.values() for key, value in part.items()}
