"""The guide: a page for each kind of person, with pictures that are there and small."""

import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse

from webapp.home.guide import PEOPLE

DOCS = settings.BASE_DIR / "docs"


@pytest.mark.parametrize("person", PEOPLE)
def test_each_page_opens_for_everybody_with_its_pictures(client, db, person):
    page = client.get(reverse("guide-page", args=[person])).content.decode()
    article = page.split('<article class="prose guide">')[1].split("</article>")[0]
    assert re.findall("<h1>.*?</h1>", page) == [f"<h1>For {person}s</h1>"]
    for source in re.findall(r'src="([^"]+)"', article):
        assert source.startswith(settings.STATIC_URL)
    text = (DOCS / "people" / f"{person}.md").read_text()
    for alt, name in re.findall(r"!\[(.*?)\]\(pictures/([^)]+)\)", text):
        assert alt
        assert finders.find(f"guide/{name}")
    assert not re.findall(r'href="\.\./', article)


def test_no_other_page_is_there(client, db):
    assert client.get("/guide/emperor").status_code == 404
    assert client.get("/guide").status_code == 200


@pytest.mark.parametrize(("who", "page"), [("labeller", "labellers"), ("viewer", "analysts")])
def test_the_guide_begins_with_the_page_of_whoever_asks(request, client_for, who, page):
    told = client_for(request.getfixturevalue(who)).get("/guide").content.decode()
    assert f"For {page}</h1>" in told


def test_pictures_are_small_and_each_is_shown():
    pictures = list((DOCS / "people" / "pictures").glob("*"))
    pages = [*(DOCS / "people").glob("*.md"), settings.BASE_DIR / "README.md"]
    text = "".join(page.read_text() for page in pages)
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size <= 120_000
        assert picture.name in text
