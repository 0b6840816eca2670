"""Which space answers: one comes when its indexes are complete, and the one before is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Max

from webapp import erasing
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.spaces.codes import Code
from webapp.spaces.indexes import SpaceIndex
from webapp.spaces.space import Space


@transaction.atomic
def bring(
    workspace: Workspace,
    *,
    kind: str,
    file: str,
    version: str,
    codes: Iterable[dict[str, Any]],
    by: User | None,
    is_to_serve: bool = True,
    **about: Any,
) -> Space:
    """A new space, which serves when it is indexed, or is kept until somebody lets it. One of the
    same numbers is not made twice: it is taken back, and what people called its codes stands.

    codes: columns of `Code`. about: other columns of `Space`.
    """
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    twin = Space.objects.of(workspace).filter(version=version).first()
    if twin is not None:
        if twin.state == Space.State.KEPT and is_to_serve:
            take(twin, by=by)
        return twin
    last = Space.objects.of(workspace).aggregate(n=Max("number"))["n"] or 0
    space = Space.objects.create(
        workspace=workspace,
        number=last + 1,
        kind=kind,
        state=Space.State.COMING if is_to_serve else Space.State.KEPT,
        file=file,
        version=version,
        created_by=by,
        **about,
    )
    Code.objects.bulk_create(Code(space=space, **columns) for columns in codes)
    Event.record(workspace, by, "made a space", str(space), kind=kind)
    SpaceIndex.objects.request_for(workspace)
    return space


@transaction.atomic
def take(space: Space, *, by: User | None) -> None:
    """Let a kept one serve, once its indexes are up to date. Raises Refused."""
    moved = Space.objects.filter(pk=space.pk, state=Space.State.KEPT)
    if not moved.update(state=Space.State.COMING):
        raise Refused(f"{space} is in use already, or will be when it is indexed.")
    space.refresh_from_db()
    Event.record(space.workspace, by, "chose a space", str(space))
    SpaceIndex.objects.request_for(space.workspace_id)


@transaction.atomic
def set_aside(space: Space, *, by: User | None) -> None:
    """Keep one that was about to serve. Raises Refused."""
    moved = Space.objects.filter(pk=space.pk, state=Space.State.COMING)
    if not moved.update(state=Space.State.KEPT):
        raise Refused(f"{space} is not about to serve.")
    erasing.delete(SpaceIndex.objects.filter(space=space))
    space.refresh_from_db()
    Event.record(space.workspace, by, "set a space aside", str(space))


@transaction.atomic
def delete(space: Space, *, by: User | None) -> None:
    """With its codes, their names, and its indexes. Raises Refused for one in use."""
    held = Space.objects.select_for_update().filter(pk=space.pk).first()
    if held is None:
        return
    if held.state != Space.State.KEPT:
        raise Refused(
            f"{space} answers searches, or is about to: choose another one first, and delete it "
            "then."
        )
    Event.record(space.workspace, by, "deleted a space", str(space))
    erasing.delete(Space.objects.filter(pk=space.pk))
