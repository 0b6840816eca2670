"""The API keeps what its own schema says: requests made out of the schema, with schemathesis.

What the schema allows is never refused as malformed; what it forbids is refused with a problem;
every answer is as the schema describes it; and nothing breaks the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest
import schemathesis
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.everything import WORDS, everything
from webapp.wsgi import application

pytestmark = pytest.mark.django_db
# What the schema does not say: of two fields together, of rows that are not there, of times.
IN_WORDS = (
    *(
        "Send a file, or the ids of uploads.",
        "Give either `model` or `name`.",
        "Give either `label` or `name`.",
    ),
    *(
        "The step ",
        "must come before",
        "add up to",
        "This is past already.",
        "object does not exist",
    ),
    *("Null characters are not allowed.", "Datetime has wrong format"),
    # schemathesis sends such parts without a name, and empty ones
    *("The submitted data was not a file", "No file was submitted."),
)
# schemathesis writes a length into a pattern: five thousand letters of any script are more than
# the matcher takes without being told.
PATTERNS = jsonschema_rs.FancyRegexOptions(size_limit=10**8)
CHECKS = [
    *(not_a_server_error, content_type_conformance),
    *(response_schema_conformance, status_code_conformance),
]


@pytest.fixture
def rows(job, clip_job, run, owner, labeller) -> dict[str, Any]:
    return everything(job, clip_job, run, owner, labeller)


@pytest.fixture
def schema(db):
    return read_schema()


@cache
def read_schema() -> Any:
    """Read once: schemathesis goes through all our source for words and numbers to try."""
    found = schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
    found.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    found.config.generation.allow_x00 = False
    return found


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside has not been."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def each_operation(schema: Any) -> Iterator[Any]:
    """All but uploads in pieces, which keep another protocol and have tests of their own."""
    for result in schema.get_all_operations():
        if not result.ok().path.startswith("/uploads"):
            yield result.ok()


def varies(operation: Any) -> bool:
    """Whether there is anything to generate but the number in the address, which is a real one."""
    return bool(operation.body or operation.query)


def try_out(operation: Any, mode: GenerationMode, n: int, ask: Callable[[Case], None]) -> None:
    """Ask so many generated requests of an operation."""

    @settings(
        max_examples=n,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: Case) -> None:
        with undone():
            ask(case)

    asked()


def real(operation: Any, rows: dict[str, Any]) -> dict[str, Any]:
    """The number of the row that an operation's address is about."""
    word = operation.path.split("/api/v1/")[-1].split("/")[0]
    row = rows.get(WORDS.get(word, word))
    return {"id": row.pk} if "{id}" in operation.path and row is not None else {}


class Findings(list):
    """One line for each kind of disagreement at an operation."""

    def add(self, case: Case, what: str, response: Any) -> None:
        operation = f"{case.operation.method.upper()} {case.operation.path}"
        sent = {"query": case.query, "body": case.body, "path": case.path_parameters}
        kept = {key: value for key, value in sent.items() if value}
        line = f"{operation}: {what}: {kept!r:.300} → {response.status_code} {response.text[:300]}"
        if not any(known.startswith(f"{operation}: {what}") for known in self):
            self.append(line)


def answer_to(case: Case, key: dict[str, str], findings: Findings) -> Any:
    response = case.call(headers={"Authorization": key["HTTP_AUTHORIZATION"]})
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as group:
        for failure in group.exceptions:
            findings.add(case, f"{type(failure).__name__} {failure}"[:300], response)
    if response.status_code >= 400:
        kind = response.headers["content-type"][0]
        if kind != "application/problem+json":
            findings.add(case, f"refused as {kind}", response)
    return response


@pytest.mark.parametrize("role", ["owner", "viewer", "stranger"])
def test_what_the_schema_allows_is_never_malformed(
    schema, rows, role, owner, viewer, stranger, other_workspace, key_for
):
    people = {"owner": (owner, rows["workspaces"]), "viewer": (viewer, rows["workspaces"])}
    person, workspace = people.get(role, (stranger, other_workspace))
    key, findings = key_for(person, workspace=workspace), Findings()

    def ask(case: Case) -> None:
        case.path_parameters |= real(case.operation, rows)
        response = answer_to(case, key, findings)
        told = any(sentence in response.text for sentence in IN_WORDS)
        if response.status_code in (400, 415) and not told:
            findings.add(case, "refused what is allowed", response)

    for operation in each_operation(schema):
        n = 4 if role == "owner" else 1
        try_out(operation, GenerationMode.POSITIVE, n if varies(operation) else 1, ask)
    assert not findings, "\n".join(findings)


def forbidden(operation: Any, body: Any) -> bool:
    """Whether the schema forbids this JSON; without a body there is nothing to forbid."""
    schemas = [b.optimized_schema for b in operation.body if b.media_type == "application/json"]
    return bool(schemas) and not any(
        jsonschema_rs.is_valid(schema, body, pattern_options=PATTERNS) for schema in schemas
    )


def test_what_the_schema_forbids_is_refused_with_a_problem(schema, rows, owner, key_for):
    key, findings = key_for(owner), Findings()

    def ask(case: Case) -> None:
        if varies(case.operation):  # else what is forbidden is the address
            case.path_parameters |= real(case.operation, rows)
        is_json = case.media_type == "application/json" and not isinstance(case.body, NotSet)
        response = answer_to(case, key, findings)
        if is_json and response.status_code < 400 and forbidden(case.operation, case.body):
            findings.add(case, "took what is forbidden", response)

    for operation in each_operation(schema):
        if varies(operation) or operation.path_parameters:
            try_out(operation, GenerationMode.NEGATIVE, 3 if varies(operation) else 1, ask)
    assert not findings, "\n".join(findings)


NO_NUMBERS = ("", "0", "-1", "null", "1.0", "1e3", " 1", "+1", "１", "true", "9" * 19, "9" * 5000)


def test_what_is_no_such_number_or_word_is_refused_in_every_query(schema, rows, owner, key_for):
    browser, key, taken = Client(), key_for(owner), []
    for operation in each_operation(schema):
        path = operation.path.replace("{id}", str(real(operation, rows).get("id", 1)))
        for parameter in operation.query:
            said = parameter.definition["schema"]
            wrong: tuple[str, ...] = ()
            if said.get("type") == "integer":
                wrong = NO_NUMBERS
            elif said.get("type") == "number":
                wrong = ("", "nan", "inf", "-1", "null", "1_0", "1e999", " 1")
            elif "enum" in said or "$ref" in said or "allOf" in said:
                wrong = ("", "null", "nonsense")
            for text in wrong:
                send = getattr(browser, operation.method)
                query = urlencode({parameter.name: text})
                answer = send(f"{path}?{query}", **key, content_type="application/json")
                is_problem = answer.headers["Content-Type"] == "application/problem+json"
                if answer.status_code != 400 or not is_problem:
                    taken.append((operation.method, path, query[:60], answer.status_code))
    assert taken == []


@pytest.mark.parametrize("query", ["projekt=1", "project=1&project=2", "format=json"])
def test_a_misspelt_or_repeated_filter_is_refused_and_does_not_answer_with_all(
    owner, key_for, workspace, query
):
    answer = Client().get(f"/api/v1/labels/?{query}", **key_for(owner))
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["errors"]


@pytest.mark.parametrize("address", ["a%0Ab", "assets/%0A/", "x" * 9000, "%00", "runs/1/exposure"])
def test_an_address_that_is_none_is_answered_as_the_api_answers(db, address):
    answer = Client().get(f"/api/v1/{address}", follow=True)
    assert answer.status_code in (401, 404)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.json()["instance"]) <= 500


def test_a_query_of_a_thousand_parts_is_answered_as_the_api_answers(owner, key_for, workspace):
    query = "&".join(f"a{n}=1" for n in range(1500))
    answer = Client().get(f"/api/v1/labels/?{query}", **key_for(owner))
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
