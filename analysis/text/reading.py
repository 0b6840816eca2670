"""Sentences as spaCy reads them: the words that count, noun-like phrases, names of things.

With a model of spaCy for the language (any that is installed) its tagger, its parser and its
recogniser of names are used. Without one it is rules over capital letters and the words around
them, which need no download. Whoever shows a result says which it was: `Reader.title`.

spaCy takes a second and 100 MB to load, so this module is for workers and is imported by nothing
that the web process imports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, Any

from analysis.errors import NotInstalled
from analysis.text.name_rules import Names

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

_LONGEST_PHRASE = 3  # words
_NEEDED = ("PROPN", "NOUN", "ADJ")  # of what a phrase is made, where a tagger says so


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that may stand for what is talked about. key: one form for all its spellings."""

    text: str
    key: tuple[str, ...]
    is_name: bool


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that has a name. kind: brand, person, place, organisation, product or event."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was read in one. words: stems of those that count. names: the places of the words (parts
    between blanks) that are used as a name."""

    words: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    entities: tuple[Entity, ...]
    names: tuple[int, ...]


class NeedsSpacy(NotInstalled):
    """spaCy is not installed here, or not yet."""

    def __init__(self) -> None:
        super().__init__(
            "Finding topics needs spaCy, which is not installed on this machine, or not yet. Run "
            "`pip install -c constraints.txt -r requirements.txt` there.",
            permanent=False,
        )


class Reader:
    """Reads a language, with what is installed for it.

    >>> Reader("en").read(["The Harbour Bridge was closed on Monday."])[0].phrases[0].text
    'Harbour Bridge'
    """

    def __init__(self, language: str = "en", brands: Sequence[str] = ()) -> None:
        """language: ISO 639-1. brands: names that are always found, as brands. Raises NeedsSpacy.

        A language that spaCy does not know is cut at its blanks.
        """
        if find_spec("spacy") is None:
            raise NeedsSpacy
        self._nlp, self.title = _pipeline(language)
        self._stem = _stemmer(language)
        self._names = Names(self._nlp, brands)

    def read(self, texts: Sequence[str]) -> list[Sentence]:
        """What is in each text; they follow one another."""
        return [self._read(doc) for doc in self._nlp.pipe(texts)]

    def _read(self, doc: Doc) -> Sentence:
        entities = self._names.entities(doc)
        places = _places(doc)
        return Sentence(
            words=tuple(self._stem(t.lower_) for t in doc if _counts(t)),
            phrases=tuple(self._phrases(doc)),
            entities=tuple(Entity(span.text, kind) for span, kind in entities),
            names=tuple(sorted({places[t.i] for t in self._names.used_as_names(doc)})),
        )

    def _phrases(self, doc: Doc) -> Iterator[Phrase]:
        for run in _runs(doc):
            for start in range(len(run)):
                for end in range(start + 1, min(start + _LONGEST_PHRASE, len(run)) + 1):
                    tokens = run[start:end]
                    text = doc[tokens[0].i : tokens[-1].i + 1].text
                    key = tuple(self._stem(token.lower_) for token in tokens)
                    yield Phrase(text, key, all(self._names.is_name(token) for token in tokens))


@lru_cache(maxsize=4)
def _pipeline(language: str) -> tuple[Language, str]:
    """The best that is installed, and what it is called."""
    import spacy

    for name in sorted(spacy.util.get_installed_models()):
        about = _about(name)
        if about.get("lang") == language and "ner" in about.get("components", ()):
            return spacy.load(name), f"spaCy’s {name} {about.get('version', '')}".strip()
    try:
        blank = spacy.blank(language)
        return blank, f"rules for {type(blank).__name__} (spaCy {spacy.__version__})"
    except ImportError:  # not known, or it wants a package for its words
        return spacy.blank("xx"), f"words between blanks (spaCy {spacy.__version__})"


def _about(model: str) -> dict[str, Any]:
    import spacy

    try:
        return dict(spacy.util.get_model_meta(spacy.util.get_package_path(model)))
    except OSError:  # of another version of spaCy, or damaged
        return {}


def _stemmer(language: str) -> Any:
    known = {"en": "english", "es": "spanish", "fr": "french", "de": "german", "it": "italian"}
    known |= {"pt": "portuguese", "nl": "dutch", "sv": "swedish", "da": "danish", "no": "norwegian"}
    known |= {"fi": "finnish", "ru": "russian", "ro": "romanian", "hu": "hungarian"}
    if language not in known:
        return lambda word: word
    import snowballstemmer  # loads each of its thirty languages

    stem = snowballstemmer.stemmer(known[language]).stemWord
    return lru_cache(maxsize=1 << 16)(stem)


def _counts(token: Token) -> bool:
    """Whether a word says something about what is talked of."""
    return token.is_alpha and not token.is_stop and (len(token) > 2 or not token.is_ascii)


def _runs(doc: Doc) -> Iterator[list[Token]]:
    """Neighbouring words of which phrases are made: noun-like ones where a tagger says so."""
    is_tagged = doc.has_annotation("POS")

    def fits(token: Token) -> bool:
        return _counts(token) and (not is_tagged or token.pos_ in _NEEDED)

    for does_fit, run in groupby(doc, key=fits):
        if does_fit:
            yield list(run)


def _places(doc: Doc) -> list[int]:
    """Of each token, which of the parts between blanks it is in."""
    places, place = [], 0
    for token in doc:
        places.append(place)
        place += bool(token.whitespace_)
    return places
