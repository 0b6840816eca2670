"""People in a text: typed as @name, kept as the person, read as the name they have now.

A kept text says "@{17}" for the person with that number, so that who is renamed, or shares a name
with somebody who joins later, stays the one who was meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from webapp.accounts.models import Action, Refused, Role, User, Workspace

_KEPT = re.compile(r"@\{([0-9]{1,18})\}")
GONE = "somebody who left"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be mentioned. `handle`: what is typed behind the @, theirs alone."""

    pk: int
    name: str
    email: str
    handle: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `person` is the number of who is named by it, else None."""

    text: str
    person: int | None = None


def people_of(workspace: Workspace) -> list[Person]:
    """Who may see the assets of a workspace, by name."""
    roles = [role for role in Role if role.can(Action.VIEW)]
    users = User.objects.filter(
        is_active=True, memberships__workspace=workspace, memberships__role__in=roles
    ).order_by("name", "email")
    rows = list(users.values_list("pk", "name", "email"))
    names = Counter(name.casefold() for _, name, _ in rows)
    return [
        Person(pk, name or email, email, name if name and names[name.casefold()] == 1 else email)
        for pk, name, email in rows
    ]


def kept(text: str, people: Iterable[Person], before: str = "") -> str:
    """A text as it is kept, with the people it names. Raises Refused for one who may not be named.

    `before`: the text that it takes the place of; whom that names may stay, also after they left.
    The longest name that fits is meant, and a name ends where a word does: "@Ann" is not in
    "@Annika". What names nobody stays as it is.
    """
    known = list(people)
    numbers = {*(person.pk for person in known), *mentioned(before)}
    if any(pk not in numbers for pk in mentioned(text)):
        raise Refused("Only members of the workspace who can see this can be mentioned.")
    by_name = {n.casefold(): person.pk for person in known for n in (person.email, person.handle)}
    if not by_name:
        return text
    names = "|".join(re.escape(name) for name in sorted(by_name, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w@.])@({names})(?!\w)", re.IGNORECASE)

    def number(found: re.Match[str]) -> str:
        pk = by_name.get(found[1].casefold())
        return found[0] if pk is None else f"@{{{pk}}}"

    return pattern.sub(number, text)


def mentioned(text: str) -> list[int]:
    """The numbers of the people that a kept text names, each once, in their order."""
    return list(dict.fromkeys(int(number) for number in _KEPT.findall(text)))


def parts(text: str, names: Mapping[int, str]) -> Iterator[Part]:
    """A kept text for readers, with the names that people have now."""
    end = 0
    for found in _KEPT.finditer(text):
        if found.start() > end:
            yield Part(text[end : found.start()])
        pk = int(found[1])
        yield Part(f"@{names.get(pk, GONE)}", pk)
        end = found.end()
    if end < len(text):
        yield Part(text[end:])


def typed(text: str, handles: Mapping[int, str]) -> str:
    """A kept text as it would be typed again; who may no longer be named stays a number."""
    return _KEPT.sub(lambda found: f"@{handles.get(int(found[1]), found[0][1:])}", text)


def names_in(texts: Iterable[str]) -> dict[int, str]:
    """The names of everybody whom these kept texts mention, also of those who left."""
    pks = {pk for text in texts for pk in mentioned(text)}
    rows = User.objects.filter(pk__in=pks).values_list("pk", "name", "email") if pks else ()
    return {pk: name or email for pk, name, email in rows}
