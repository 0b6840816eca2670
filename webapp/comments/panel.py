"""The comments of an asset as its page shows them: threads in playing order, and whom @ finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Prefetch
from django.urls import reverse

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.comments import people
from webapp.comments.comments import LONGEST, Comment
from webapp.comments.reactions import Reaction

_TOLD = 6  # people that a reaction names


@dataclass(frozen=True, slots=True)
class Tally:
    """One kind of reaction to a comment. `is_mine`: the reader's own is among them."""

    kind: str
    title: str
    count: int
    who: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A comment for a reader. `by`: "" for somebody whose account is gone."""

    comment: Comment
    by: str
    is_mine: bool
    has_left: bool
    parts: list[people.Part]
    typed: str
    tallies: list[Tally]
    names_me: bool

    @property
    def initial(self) -> str:
        return self.by[:1].upper()


@dataclass(frozen=True, slots=True)
class Thread:
    """`first` is None where it was deleted and only answers are left."""

    root: Comment
    first: Said | None
    answers: list[Said]

    @property
    def is_open(self) -> bool:
        return self.root.resolved is None

    @property
    def concerns_me(self) -> bool:
        """Whether the reader spoke in it or is mentioned there."""
        said = [*([self.first] if self.first else []), *self.answers]
        return any(one.is_mine or one.names_me for one in said)


@dataclass(frozen=True, slots=True)
class Panel:
    asset: Asset
    threads: list[Thread]
    people: list[people.Person]

    @classmethod
    def of(cls, asset: Asset, reader: User | AbstractBaseUser | Any) -> Panel:
        members = people.people_of(asset.workspace)
        reactions = Reaction.objects.select_related("user")
        rows = list(
            Comment.objects.filter(asset=asset)
            .select_related("by", "resolved_by")
            .prefetch_related(Prefetch("reactions", reactions))
        )
        reading = _Reading(reader.pk, members, people.names_in(row.text for row in rows))
        return cls(asset, reading.threads(rows), members)

    @property
    def n_open(self) -> int:
        return sum(thread.is_open for thread in self.threads)

    @property
    def longest(self) -> int:
        return LONGEST

    def for_scripts(self) -> dict[str, Any]:
        """Marks for the timeline, and the people that @ finds."""
        return {
            "add": reverse("asset-comments", args=[self.asset.pk]),
            "marks": [_mark(thread) for thread in self.threads],
            "people": [
                {"handle": one.handle, "name": one.name, "email": one.email} for one in self.people
            ],
        }


@dataclass(frozen=True, slots=True)
class _Reading:
    """Rows as one reader sees them."""

    reader: int
    members: list[people.Person]
    names: dict[int, str]

    def threads(self, rows: Iterable[Comment]) -> list[Thread]:
        """Those of which anything is left, by time."""
        first: dict[int, Comment] = {}
        answers: dict[int, list[Comment]] = {}
        for row in rows:
            if row.thread_id is None:
                first[row.pk] = row
            elif not row.deleted:
                answers.setdefault(row.thread_id, []).append(row)
        handles = {person.pk: person.handle for person in self.members}
        return [
            Thread(
                root,
                None if root.deleted else self._said(root, handles),
                [self._said(one, handles) for one in answers.get(pk, ())],
            )
            for pk, root in first.items()
            if not root.deleted or pk in answers
        ]

    def _said(self, row: Comment, handles: dict[int, str]) -> Said:
        return Said(
            comment=row,
            by=str(row.by) if row.by else "",
            is_mine=row.by_id == self.reader,
            has_left=row.by_id not in handles,
            parts=list(people.parts(row.text, self.names)),
            typed=people.typed(row.text, handles),
            tallies=self._tallies(row),
            names_me=self.reader in people.mentioned(row.text),
        )

    def _tallies(self, row: Comment) -> list[Tally]:
        by_kind: dict[str, list[User]] = {}
        for reaction in row.reactions.all():
            by_kind.setdefault(reaction.kind, []).append(reaction.user)
        return [
            Tally(kind, title, len(users), _who(users), any(u.pk == self.reader for u in users))
            for kind, title in Reaction.Kind.choices
            for users in (by_kind.get(kind, []),)
        ]


def _who(users: list[User]) -> str:
    told = ", ".join(map(str, users[:_TOLD]))
    return f"{told} and {len(users) - _TOLD} more" if len(users) > _TOLD else told


def _mark(thread: Thread) -> dict[str, Any]:
    root = thread.root
    first = thread.first or thread.answers[0]
    return {
        "id": root.pk,
        "start": round(root.start_s, 3),
        "end": None if root.end_s is None else round(root.end_s, 3),
        "box": root.box,
        "open": thread.is_open,
        "said": "".join(part.text for part in first.parts)[:120],
    }
