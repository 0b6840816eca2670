"""The graph of a project: what occurs together, its moments, and nothing for strangers."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import date, timedelta

import networkx
import pytest
from django.urls import reverse

from tests.crowded import PEOPLE, fill
from tests.heard import told_apart
from tests.spoken import transcribed
from webapp.graph import gathering
from webapp.graph.asked import Asked
from webapp.graph.graph import Drawn, meetings
from webapp.graph.scope import Scope
from webapp.indexing.speaker_edits import SpeakerEdit
from webapp.moments.moments import Moment, MomentEdit
from webapp.projects.models import Label, Project
from webapp.timeline.choices import BadChoice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def afresh():
    gathering.forget()


@pytest.fixture
def library(project, owner):
    return fill(project, 12, by=owner)


def edges(project, **asked) -> dict[frozenset[str], float]:
    """The shrunk lift by the names of the two."""
    drawn = Drawn.of(Scope.of(project), Asked(**asked))
    return {frozenset((row.a.name, row.b.name)): row.edge.shrunk for row in drawn.rows()}


def test_brands_people_and_topics_that_occur_together_are_joined(library, project):
    found = edges(project)
    assert found[frozenset(("Kestrel", "Norra Bank"))] > 1.5
    assert found[frozenset(("Kestrel", PEOPLE[0]))] > 1.5
    assert found[frozenset((PEOPLE[0], "harbour race"))] > 1.5
    assert frozenset(("Vitalo", PEOPLE[0])) not in found


def test_a_brand_that_is_only_said_occurs_too(run, project, owner):
    from webapp.search.keeping import index_run

    transcribed(run.asset, by=owner, said=["Vitalo and Norra Bank", "and Kestrel", "Vitalo again"])
    index_run(run)
    drawn = Drawn.of(Scope.of(project), Asked(support=1, lift=0))
    met = meetings(drawn, *_keys(project, "Vitalo", "Norra Bank"))
    assert [(one.asset, one.start_s) for one in met.shown] == [(run.asset, 0.0)]
    assert met.shown[0].hows == (["said"], ["seen", "said"])


def _keys(project, *names: str) -> list[str]:
    return [f"brand:{project.labels.get(name=name).pk}" for name in names]


def test_filters_choose_kinds_days_support_and_what_is_beside_a_brand(library, project):
    kestrel = project.labels.get(name="Kestrel")
    assert {
        node.kind
        for node in Drawn.of(Scope.of(project), Asked(kinds=frozenset({"brand"}))).graph.nodes
    } == {"brand"}
    beside = Drawn.of(Scope.of(project), Asked(brand=kestrel.pk)).graph
    near = {
        node.key
        for node, _ in Drawn.of(Scope.of(project), Asked()).graph.neighbours(f"brand:{kestrel.pk}")
    }
    assert {node.key for node in beside.nodes} <= near | {f"brand:{kestrel.pk}"}
    assert edges(project, support=10_000) == {}
    assert edges(project, after=date.today() + timedelta(days=2)) == {}
    everything = Drawn.of(
        Scope.of(project), Asked(kinds=frozenset({"asset", "person"}), support=1, lift=0)
    )
    assert {node.kind for node in everything.graph.nodes} == {"asset", "person"}


def test_what_people_correct_counts_at_once(library, project, owner):
    topic = Moment.objects.filter(phrases=["harbour race"]).first()
    before = Drawn.of(Scope.of(project), Asked()).graph
    edit = MomentEdit.objects.make(topic, by=owner, title="The regatta")
    names = {n.name for n in gathering.gather(Scope.of(project), None, None).nodes}
    assert "The regatta" in names
    edit.undo(by=owner)
    assert Drawn.of(Scope.of(project), Asked()).graph == before
    MomentEdit.objects.make(topic, by=owner, is_gone=True)
    assert Drawn.of(Scope.of(project), Asked()).graph != before
    Label.objects.filter(name="Kestrel").update(name="Kite")
    assert "Kite" in {node.name for node in Drawn.of(Scope.of(project), Asked()).graph.nodes}


def test_a_deleted_asset_is_in_no_graph(library, project):
    from django.utils import timezone

    gone = library[0]
    gone.removed = timezone.now()
    gone.save()
    drawn = Drawn.of(
        Scope.of(project), Asked(kinds=frozenset({"asset", "brand"}), support=1, lift=0)
    )
    assert f"asset:{gone.pk}" not in gathering.gather(Scope.of(project), None, None).numbers
    assert drawn.n_assets == 11


def test_the_page_draws_lists_and_links_to_where_both_are(library, project, viewer, client_for):
    browser = client_for(viewer)
    page = browser.get(reverse("graph", args=[project.pk])).content.decode()
    data = json.loads(page.split('id="graph-data" type="application/json">')[1].split("<")[0])
    assert {node["name"] for node in data["nodes"]} >= {"Kestrel", "Norra Bank", PEOPLE[0]}
    assert all(0 <= node["x"] <= 1 and 0 <= node["y"] <= 1 for node in data["nodes"])
    assert page.count("data-pair=") == len(data["edges"])
    a, b = _keys(project, "Kestrel", "Norra Bank")
    met = browser.get(reverse("graph-moments", args=[project.pk]), {"a": a, "b": b})
    html = met.content.decode()
    assert "times as often as by chance" in html
    assert f"{reverse('asset', args=[library[0].pk])}?t=" in html
    whole = browser.get(reverse("graph", args=[project.pk]), {"a": a, "b": b}).content.decode()
    assert "times as often as by chance" in whole


def test_files_are_read_by_other_programs(library, project, viewer, client_for):
    browser = client_for(viewer)
    of = lambda kind: browser.get(reverse("graph-file", args=[project.pk, kind]))  # noqa: E731
    read = networkx.parse_graphml(of("graphml").content.decode())
    assert "Kestrel" in networkx.get_node_attributes(read, "name").values()
    assert json.loads(of("jsonld").content)["@graph"][0]["@id"].startswith("urn:sightline:graph:")
    assert of("csv").content.decode().startswith("a,a_kind,b,b_kind,support_windows,lift")
    assert 'filename="harbour-cup-graph.csv"' in of("csv").headers["Content-Disposition"]
    assert of("png").status_code == 404


def test_what_was_counted_makes_the_same_numbers_at_a_prompt(
    library, project, viewer, client_for, tmp_path, capsys
):
    from analysis.__main__ import main

    browser, table = client_for(viewer), tmp_path / "occurrences.csv"
    table.write_bytes(browser.get(reverse("graph-file", args=[project.pk, "counted"])).content)
    kinds = [word for kind in ("brand", "person", "topic") for word in ("--kind", kind)]
    assert main(["graph", str(table), "--lift", "1.2", *kinds]) == 0
    ours = browser.get(reverse("graph-file", args=[project.pk, "csv"])).content.decode()
    numbers = lambda text: sorted(  # noqa: E731
        (row["support_windows"], row["lift"], row["npmi"])
        for row in csv.DictReader(io.StringIO(text))
    )
    assert numbers(capsys.readouterr().out) == numbers(ours)
    assert numbers(ours)


@pytest.mark.parametrize(
    "query",
    [
        "kind=planet",
        "brand=x",
        "support=0",
        "support=1.5",
        "support=1e99",
        "lift=nan",
        "lift=-1",
        "after=yesterday",
        "before=2026-13-01",
        "a=brand:1",
        "a=brand:1&b=brand:1",
        f"a={'x' * 300}&b=y",
        "a=brand:999999&b=nobody:x",
    ],
)
def test_nonsense_is_refused_in_a_sentence(library, project, viewer, client_for, query):
    address = f"{reverse('graph', args=[project.pk])}?{query}"
    answer = client_for(viewer).get(address, HTTP_ACCEPT="text/html")
    assert answer.status_code == 400
    assert client_for(viewer).get(address).json()["detail"].endswith(".")


def test_empty_graphs_teach_what_is_missing(project, asset, run_of, viewer, client_for):
    browser, address = client_for(viewer), reverse("graph", args=[project.pk])
    assert "No asset of this project is analysed yet" in browser.get(address).content.decode()
    run_of(asset, project)
    page = browser.get(address).content.decode()
    assert "come from outlines" in page
    assert "Nothing occurs together so often" in page
    assert "No pair is like that" in browser.get(f"{address}?support=500").content.decode()


def test_the_graph_of_all_projects_joins_what_each_of_them_knows(
    run, project, owner, asset_in, viewer, client_for, key_for, client
):
    """A brand of two projects is one thing, and what was only listened to counts."""
    from webapp.search.keeping import index_run

    index_run(run)
    workspace = project.workspace
    other = Project.objects.create(workspace=workspace, name="Regatta")
    Label.objects.create(project=other, name="KESTREL")
    Label.objects.create(project=other, name="Tidewater")
    spoken = asset_in(workspace, "interview.mp4")
    transcribed(spoken, by=owner, said=["Kestrel and Tidewater", "and Norra Bank"])
    asked = Asked(kinds=frozenset({"brand", "asset"}), support=1, lift=0)
    drawn = Drawn.of(Scope(workspace), asked)
    names = [node.name for node in drawn.graph.nodes]
    assert {"Kestrel", "Tidewater", "Norra Bank", "interview"} <= set(names)
    assert names.count("Kestrel") + names.count("KESTREL") == 1
    assert Drawn.of(Scope.of(other), asked).n_assets == 0  # it has looked at nothing
    browser, address = client_for(viewer), reverse("graph-of-all")
    every = {"support": 1, "lift": 0}
    page = browser.get(address, every).content.decode()
    assert reverse("graph", args=[other.pk]) in page
    ends = {"a": _keys(project, "Kestrel")[0], "b": _keys(other, "Tidewater")[0]}
    met = browser.get(reverse("graph-of-all-moments"), ends).content.decode()
    assert f"{reverse('asset', args=[spoken.pk])}?t=" in met
    beside = browser.get(address, every | {"brand": other.labels.get(name="KESTREL").pk})
    assert "Tidewater" in beside.content.decode()
    csv_file = browser.get(reverse("graph-of-all-file", args=["csv"]), every)
    assert "Tidewater" in csv_file.content.decode()
    assert 'filename="all-projects-graph.csv"' in csv_file.headers["Content-Disposition"]
    key = key_for(viewer)
    told = client.get("/api/v1/graph/", every, **key).json()
    assert "Tidewater" in {node["name"] for node in told["nodes"]}
    found = client.get("/api/v1/graph/moments/", ends, **key).json()
    assert [one["asset"] for one in found["moments"]] == [spoken.pk]


def test_people_occur_while_they_speak_by_the_name_that_somebody_gave_them(
    run, project, owner, viewer, client_for
):
    from webapp.search.keeping import index_run

    index_run(run)
    told = told_apart(run.asset, by=owner)
    asked = Asked(support=1, lift=0)
    assert not Drawn.of(Scope.of(project), asked).gathered.numbers.keys() & {"person:ana lopez"}
    call = SpeakerEdit.objects.call(told.voices.get(number=1), "Ana Lopez", by=owner)
    drawn = Drawn.of(Scope.of(project), asked)
    met = meetings(drawn, "person:ana lopez", *_keys(project, "Kestrel"))
    assert met.shown[0].hows[0] == ["speaks"]
    assert met.a.name == "Ana Lopez"
    call.undo(by=owner)
    assert "person:ana lopez" not in Drawn.of(Scope.of(project), asked).gathered.numbers


def test_the_graph_of_all_is_of_ones_own_workspace(
    library, project, stranger, other_workspace, labeller, client_for, key_for, client
):
    page = client_for(stranger).get(reverse("graph-of-all"), {"support": 1}).content.decode()
    assert "Kestrel" not in page
    a, b = _keys(project, "Kestrel", "Norra Bank")
    met = client_for(stranger).get(reverse("graph-of-all-moments"), {"a": a, "b": b})
    assert met.status_code == 400
    assert client_for(labeller).get(reverse("graph-of-all")).status_code == 403
    asked = {"workspace": project.workspace.pk}
    assert client.get("/api/v1/graph/", asked, **key_for(stranger)).status_code == 404


def test_a_stranger_and_a_labeller_see_nothing(
    library, project, stranger, other_workspace, labeller, client_for
):
    a, b = _keys(project, "Kestrel", "Norra Bank")
    for person, status in ((stranger, 404), (labeller, 403)):
        browser = client_for(person)
        for name, args in (("graph", []), ("graph-moments", []), ("graph-file", ["csv"])):
            answer = browser.get(reverse(name, args=[project.pk, *args]), {"a": a, "b": b})
            assert answer.status_code == status


def test_the_api_tells_the_graph_and_the_moments(library, project, viewer, key_for, client):
    key, path = key_for(viewer), f"/api/v1/projects/{project.pk}/graph/"
    told = client.get(path, {"kinds": "brand,person"}, **key).json()
    assert {node["kind"] for node in told["nodes"]} == {"brand", "person"}
    assert (told["window_s"], told["windows"], told["assets"]) == (30.0, 240, 12)
    edge = told["edges"][0]
    ends = {"a": edge["a"], "b": edge["b"]}
    met = client.get(f"{path}moments/", ends, **key).json()
    assert met["count"] == len(met["moments"]) > 0
    assert met["moments"][0]["play_s"] <= met["moments"][0]["end_s"]
    for bad in ({"kinds": "planet"}, {"support": 0}, {"after": "soon"}, {"colour": "red"}):
        assert client.get(path, bad, **key).status_code == 400
    for ends in ({}, {"a": "x"}, {"a": "x", "b": "x"}, {"a": "brand:9", "b": "x"}):
        assert client.get(f"{path}moments/", ends, **key).status_code == 422


def test_thousands_of_items_cost_few_questions_and_little_time(
    project, owner, viewer, client_for, django_assert_max_num_queries
):
    fill(project, 400, by=owner)
    browser, address = client_for(viewer), reverse("graph", args=[project.pk])
    browser.get(reverse("guide"))
    with django_assert_max_num_queries(40):  # and no more with more assets
        browser.get(address)
    begun = time.process_time()
    assert browser.get(address).status_code == 200
    assert time.process_time() - begun < 1.0  # it is 0.1 s; a busy machine is no failure


def test_a_choice_reads_back_from_its_own_address():
    asked = Asked(frozenset({"brand", "asset"}), 3, date(2026, 1, 2), None, 5, 2.5)
    from django.http import QueryDict

    query = QueryDict(asked.query)
    assert Asked.read(query.dict(), query.getlist("kind")) == asked
    assert Asked().query == ""
    with pytest.raises(BadChoice):
        Asked.read({"lift": "1e9"})
