"""Taking a browser's changes into a document: what was counted before, what clashes, what is wrong.

Two pages may have the same work open. A change says which state of the shape it was made on; one
made on an older state is not applied but answered with what is there now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from webapp.labelling import documents
from webapp.labelling.documents import BadChange, Change, Document, Rules

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation as it was sent: its key, the raw change, the rev it was made on."""

    key: str
    change: Any
    rev: int


@dataclass(slots=True)
class Taken:
    """What became of a request's operations."""

    document: Document
    version: int
    revs: dict[str, int] = field(default_factory=dict)
    made: list[tuple[int, str, Change, Change | None]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)


def read_operations(body: Any) -> list[Asked]:
    """The operations of a request. Raises BadChange when it is not one."""
    operations = body.get("operations") if isinstance(body, dict) else None
    if not isinstance(operations, list):
        raise BadChange("Send {“operations”: […]}.")
    if len(operations) > MOST_AT_ONCE:
        raise BadChange(f"Send {MOST_AT_ONCE} operations at a time at most.")
    return [_asked(operation) for operation in operations]


def _asked(operation: Any) -> Asked:
    if not isinstance(operation, dict):
        raise BadChange("An operation has a key, a change and a rev.")
    key, rev = operation.get("key"), operation.get("rev", 0)
    if not isinstance(key, str) or not 0 < len(key) <= 40 or not key.isprintable():
        raise BadChange("The key of an operation is a text of 1 to 40 signs.")
    if isinstance(rev, bool) or not isinstance(rev, int) or rev < 0:
        raise BadChange("The rev of an operation is a whole number.")
    return Asked(key, operation.get("change"), rev)


def take(
    document: Document,
    version: int,
    asked: list[Asked],
    known: dict[str, tuple[int, Change]],
    rules: Rules,
) -> Taken:
    """Apply what can be applied, in order. `document` is changed in place.

    known: operations counted before, by key: their number and change. They are answered as they
    were then. Within a request, changes to one shape follow each other, whatever their `rev`.
    """
    taken = Taken(document, version)
    followed: dict[str, int] = {}  # shape → its rev after this request's last change to it
    known = dict(known)
    for one in asked:
        if one.key in known:
            number, change = known[one.key]
            name = documents.subject(change)
            followed[name] = taken.revs[name] = _rev_after(change, number)
            continue
        try:
            change = documents.read(one.change, rules, document)
        except BadChange as problem:
            taken.refused.append({"key": one.key, "id": _said_id(one), "detail": str(problem)})
            continue
        if _clashes(document, change, one.rev, followed):
            taken.conflicts.append(_conflict(document, one.key, change))
            continue
        taken.version += 1
        before = documents.apply(document, change, taken.version)
        known[one.key] = (taken.version, change)
        taken.made.append((taken.version, one.key, change, before))
        name = documents.subject(change)
        followed[name] = taken.revs[name] = _rev_after(change, taken.version)
    taken.revs.pop("", None)
    return taken


def _rev_after(change: Change, number: int) -> int:
    return number if "put" in change else 0


def _clashes(document: Document, change: Change, rev: int, followed: dict[str, int]) -> bool:
    if "nothing" in change:
        return change["nothing"] and bool(document["shapes"])
    name = documents.subject(change)
    is_ = documents.rev(document, name)
    if "delete" in change and not is_:
        return False  # gone already: both want the same
    return rev != is_ and followed.get(name) != is_


def _conflict(document: Document, key: str, change: Change) -> dict[str, Any]:
    name = documents.subject(change)
    return {"key": key, "id": name, "mine": change, "theirs": document["shapes"].get(name)}


def _said_id(one: Asked) -> str:
    change = one.change if isinstance(one.change, dict) else {}
    name = change.get("put") or change.get("delete") or ""
    return name if isinstance(name, str) else ""
