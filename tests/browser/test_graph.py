"""The graph of a project: a pair is chosen by keys or in the table, and its moments play."""

from __future__ import annotations

import os

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.waiting import until

pytestmark = pytest.mark.browser
EVERY = "?support=1&lift=0&kind=brand&kind=asset"


@pytest.fixture
def graph(page, analysed):
    """Of one short film: its brand, and itself."""
    for _ in range(60):  # until it is findable
        page.goto(f"/projects/1/graph{EVERY}")
        if page.locator("#graph .node").count() >= 2:
            break
        page.wait_for_timeout(500)
    return page


def test_an_edge_opens_its_moments_and_a_moment_plays(graph):
    graph.locator("#graph").focus()
    graph.keyboard.press("Enter")
    graph.keyboard.press("Enter")
    graph.locator("#graph-facts h2").wait_for()
    graph.locator("#graph-facts li button").first.click()
    graph.locator(".met").get_by_text("times as often as by chance").wait_for()
    until(graph, "document.activeElement.id === 'met-title'")
    assert "a=" in graph.url
    assert_accessible(graph)
    graph.reload()
    graph.locator(".graph .edge.is-chosen").wait_for(state="attached")
    graph.locator(".meetings a").first.click()
    graph.wait_for_url("**/assets/*")
    until(graph, "document.querySelector('video')?.readyState >= 2")
    until(graph, "!document.querySelector('video').paused")


def test_it_is_zoomed_searched_and_read_as_a_table(graph):
    scale = "document.getElementById('graph-view').getAttribute('transform')"
    graph.get_by_role("button", name="Zoom in").click()
    until(graph, f"{scale}.includes('scale(1.5)')")
    graph.locator("#graph").focus()
    graph.keyboard.press("0")
    until(graph, f"{scale}.endsWith('scale(1)')")
    graph.keyboard.press("/")
    graph.keyboard.type("acme")
    graph.get_by_text("1 found").wait_for()
    graph.keyboard.press("Enter")
    graph.locator("#graph-facts h2", has_text="Acme").wait_for()
    graph.get_by_text("As a table").click()
    graph.locator("#pairs").get_by_role("link", name="Moments").first.click()
    graph.locator(".meetings a").first.wait_for()
    assert_accessible(graph)
    if folder := os.environ.get("SCREENSHOTS"):
        graph.screenshot(path=f"{folder}/graph.png")
        graph.set_viewport_size(PHONE)
        graph.screenshot(path=f"{folder}/graph-phone.png", full_page=True)
        graph.set_viewport_size(DESKTOP)
