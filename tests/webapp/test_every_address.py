"""Every address that is routed, tried with real numbers by those who may not and with numbers
that are none. An address with a new word in it must be told here what it is about."""

from __future__ import annotations

import json
import re
from itertools import cycle
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls.resolvers import RoutePattern

from tests.everything import TEXTS, WORDS, everything, patterns
from webapp.accounts.models import SignInLink

pytestmark = pytest.mark.django_db

# Open to whoever has the address: health, signing in, and what is shared by a secret link.
OPEN = {
    *("/guide", "/guide/analyst"),
    *("/healthz", "/sign-in", "/methodology", "/api/v1/schema/", "/api/v1/docs/", "/admin/login/"),
}
SECRET = ("/share/", "/watch/", "/sign-in/", "/media/")
THEIRS = ("matchday.mp4", "Cup report", "Secret ", "olga@", "ana@")
NOT_THERE = {302, 401, 403, 404, 405}
_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>|\(\?P<(?P<group>\w+)>(?P<of>[^)]*)\)")


@pytest.fixture
def rows(job, clip_job, run, owner, labeller) -> dict[str, Any]:
    found = everything(job, clip_job, run, owner, labeller)
    for word in ("projects", "workspaces", "models", "datasets"):
        type(found[word]).objects.filter(pk=found[word].pk).update(name=f"Secret {word}")
    return found


def number_of(thing: Any) -> str:
    return str(getattr(thing, "pk", thing))


def addresses(rows: dict[str, Any]) -> dict[str, list[str]]:
    """Each address filled in, with the words of it that are numbers."""
    found = {}
    for parts in patterns():
        text = "".join(
            str(part) if isinstance(part, RoutePattern) else str(part).strip("^$") for part in parts
        )
        if text.startswith("admin/") and text != "admin/login/":
            continue
        path, numbers = "/", []
        last = 0
        for hole in _PARAMETER.finditer(text):
            path += text[last : hole.start()]
            last = hole.end()
            name, word = hole["name"] or hole["group"], path.rstrip("/").rpartition("/")[2]
            if name in TEXTS and hole["kind"] != "number":
                path += hole["of"].split("|")[0] if hole["of"] else TEXTS[name]
                continue
            if hole["kind"] == "number" or hole["of"]:
                numbers.append(path)
            path += number_of(rows[WORDS.get(word, word)])
        found[(path + text[last:]).replace("\\", "").replace("(?s)", "")] = numbers
    return found


def ids(rows: dict[str, Any]) -> dict[str, Any]:
    """The numbers of everything, by the names that forms and programs give them."""
    names = {"asset": "assets", "project": "projects", "label": "labels", "dataset": "datasets"}
    names |= {"assets": "assets", "run": "runs", "version": "dataset-versions", "model": "models"}
    names |= {"dataset_version": "dataset-versions", "model_version": "model-versions"}
    names |= {"collection": "collections", "videos": "assets", "with": "evaluations"}
    names |= {"base": "model-versions", "workspace": "workspaces", "job": "jobs"}
    return {name: int(number_of(rows[word])) for name, word in names.items()}


def sizes() -> dict[str, int]:
    """How many rows there are of each kind but sessions and tries to sign in."""
    models = (m for m in apps.get_models() if m.__name__ not in ("Session", "SignInTry"))
    return {model._meta.label: model._default_manager.count() for model in models}


def attempts(client: Client, path: str, rows: dict[str, Any], headers: dict[str, str]):
    """What each way of asking is answered."""
    asked = ids(rows)
    if not path.startswith("/api/"):  # which refuses what it does not know, before it looks
        yield "get", client.get(path, asked, **headers)
    yield "get", client.get(path, **headers)
    if path.startswith("/api/"):
        body = json.dumps(asked | {"name": "x y", "title": "x y", "assets": [asked["asset"]]})
        for method in ("post", "patch", "delete"):
            send = getattr(client, method)
            yield method, send(path, body, content_type="application/json", **headers)
    else:
        yield "post", client.post(path, asked | {"name": "x y", "title": "x y"}, **headers)


def tells(answer: Any) -> list[str]:
    if getattr(answer, "streaming", False):
        return ["a file"]
    text = answer.content.decode("utf-8", "replace")
    return [word for word in THEIRS if word in text]


def test_a_member_of_another_workspace_sees_nothing_and_changes_nothing(
    rows, stranger, other_workspace, client_for, key_for
):
    browser, key = client_for(stranger), key_for(stranger, workspace=other_workspace)
    before, seen = sizes(), []
    for path, numbers in addresses(rows).items():
        if path.startswith(SECRET) or path in OPEN or path == "/sign-out":
            continue
        headers = key if path.startswith("/api/") else {}
        for method, answer in attempts(browser, path, rows, headers):
            where = f"{method} {path} → {answer.status_code}"
            assert answer.status_code < 500, where
            if tells(answer) or (numbers and answer.status_code not in {403, 404, 405}):
                seen.append((where, tells(answer)))
    assert seen == []
    after = sizes()
    own = {"accounts.Event", "projects.Project", "assets.Collection", "accounts.Key"}
    own |= {"assets.Upload", "projects.Label", "accounts.User", "accounts.Membership"}
    own |= {"accounts.SignInLink", "methodologies.OwnMethodology"}
    own |= {"methodologies.MethodologyVersion"}
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= own, changed
    workspace = rows["workspaces"]
    assert not workspace.events.filter(user=stranger).exists()
    assert workspace.projects.count() == workspace.collections.count() == 1


def test_nobody_in_particular_sees_nothing(rows):
    browser, before = Client(), sizes()
    for path in addresses(rows):
        if path.startswith(SECRET) or path in OPEN:
            continue
        for method, answer in attempts(browser, path, rows, {}):
            where = f"{method} {path} → {answer.status_code}"
            assert answer.status_code in NOT_THERE, where
            assert not tells(answer), where
            if answer.status_code == 302:
                assert answer.url.startswith("/sign-in"), where
    assert sizes() == before


def test_a_labeller_sees_the_jobs_given_to_them_and_nothing_else(rows, person, client_for, key_for):
    other = person("lena", "labeller", rows["workspaces"])
    browser, key = client_for(other), key_for(other)
    for path, numbers in addresses(rows).items():
        if not numbers or path.startswith(("/workspaces/", "/api/v1/workspaces/")):
            continue
        headers = key if path.startswith("/api/") else {}
        for method, answer in attempts(browser, path, rows, headers):
            assert answer.status_code in {403, 404, 405}, f"{method} {path} → {answer.status_code}"


def test_a_number_that_no_row_can_have_is_not_found(rows, owner, client_for, key_for):
    """One that the database cannot hold, and one that is too long to be read as a number."""
    browser, key = client_for(owner), key_for(owner)
    for path, numbers in addresses(rows).items():
        for start in numbers:
            rest = path[len(start) :].lstrip("0123456789")
            headers = key if path.startswith("/api/") else {}
            for digits, method in ((19, "get"), (5000, "get"), (19, "post")):
                over = start + "9" * digits + rest
                answer = getattr(browser, method)(over, **headers)
                refused = {403, 404, 405} if method == "post" else {404, 405}
                assert answer.status_code in refused, f"{over[:80]} → {answer.status_code}"
                if path.startswith("/api/"):
                    assert answer.headers["Content-Type"] == "application/problem+json", over[:80]


NUMBERS = ("9" * 5000, "9" * 30, "-1", "１", "\0")


def test_such_numbers_in_a_query_or_a_form_break_no_page(rows, owner, client_for):
    """Each is read by one of a few forms: every address is asked with the next of them."""
    names = [*ids(rows), "page", "open", "order", "off", "threshold", "before", "who", "q", "bins"]
    browser, turn = client_for(owner, raise_request_exception=False), cycle(NUMBERS)
    broken = []
    for path in addresses(rows):
        if path.startswith("/api/") or path == "/sign-out":
            continue
        methods = ["get"] if path.endswith(("/delete", "/remove", "/retry")) else ["get", "post"]
        for method in methods:
            number = next(turn)
            answer = getattr(browser, method)(path, dict.fromkeys(names, number))
            if answer.status_code >= 500:
                broken.append(f"{method} {path} {number[:9]!r}")
    assert broken == []


def test_a_link_to_sign_in_opens_nothing_before_it_is_used(rows, labeller, client):
    token = SignInLink.make(labeller)
    assert not tells(client.get(f"/sign-in/{token}"))
