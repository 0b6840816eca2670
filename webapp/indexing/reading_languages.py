"""For which languages writing can be read here, and which could be added: what a form offers."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.reading.languages import DEFAULT, LANGUAGES, packs_besides
from webapp.indexing.refusals import reading_languages

_EXAMPLES = "ocr-korean", "ocr-arabic", "ocr-cyrillic"  # that the packaged one cannot read at all


@dataclass(frozen=True, slots=True)
class ReadingLanguages:
    """`here`: key and name of those that some worker can read. `away`: key, name and the pack that
    `manage.py fetch` brings. `chosen`: the key that is chosen before a person chooses."""

    here: list[tuple[str, str]]
    away: list[tuple[str, str, str]]
    chosen: str

    @classmethod
    def offered(cls, chosen: str = "") -> ReadingLanguages:
        known = reading_languages()
        here = [(key, LANGUAGES.get(key, key)) for key in known]
        return cls(here, packs_besides(known), chosen or DEFAULT)

    @property
    def example(self) -> str:
        """A pack to name as an example."""
        packs = [pack for _, _, pack in self.away]
        return next((pack for pack in _EXAMPLES if pack in packs), packs[0] if packs else "")
