"""axe-core over the page that is open: at a desk and on a phone, light and dark."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from tests.browser.conftest import DESKTOP, PHONE

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# A theme changes colours alone, so of its 60 rules only these are asked of the second theme.
OTHER = {"light": "dark", "dark": "light"}
LAST = ("phone", "dark")
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
RUN = """([rules, isOfNew]) => {
  const shown = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility());
  const before = (window.axeSaw ??= new WeakSet(shown));
  const include = shown.filter((one) => !before.has(one));
  if (isOfNew && !include.length) return [];
  return axe.run(
    { exclude: [[".redoc-wrap"], ["#swagger-ui"]],  // the page of the API is another project's
      ...(isOfNew ? { include } : {}) },
    { resultTypes: ["violations"], elementRef: false,
      ...(rules ? { runOnly: { type: "rule", values: rules } } : {}) },
  ).then((found) => found.violations);
}"""


def assert_accessible(page: Any) -> None:
    """axe-core finds nothing against WCAG 2 or its best practices: two themes, two widths.

    The page is not loaded again: it is made narrow, then its theme is changed, as people do. Of the
    narrow page in its other theme only what the wide one did not show is looked at: the rest has
    the colours that it had there.
    """
    before = page.viewport_size
    problems = []
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE)
    page.evaluate("delete window.axeSaw")
    page.add_style_tag(content="*, ::before, ::after { transition: none !important }")
    for width, size in (("desk", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(size)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.locator(f"html:not([data-theme={OTHER[theme]}])").wait_for(state="attached")
            asked = [None if theme == "light" else COLOUR_RULES, (width, theme) == LAST]
            problems += [
                f"{width}, {theme}: {told}" for told in map(_words, page.evaluate(RUN, asked))
            ]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)
    assert not problems, f"{page.url}\n" + "\n".join(problems)


def _words(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    where = "; ".join(
        f"{' '.join(map(str, node['target']))} {node['any'][0]['message'] if node['any'] else ''}"
        for node in nodes[:4]
    )
    return f"{violation['id']} ({violation['help']}) {len(nodes)} ×: {where}"
