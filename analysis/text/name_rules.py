"""Which words are names, and of what: by capital letters and the words beside them, or by a model.

The rules are spaCy matchers. “Apple” begins a sentence with a capital as any word does, so that
alone says nothing; it is a name there where a verb of saying or doing follows (“Apple announced”),
or a genitive (“Apple’s new phone”). In the middle of a sentence a capital is enough. Where a model
of spaCy is there, its tagger's proper nouns and its recogniser's entities are names as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Span, Token

Kind = str
# A model's labels → ours. Dates, amounts and the like are not things one looks for.
_KINDS = {
    "PERSON": "person", "PER": "person", "GPE": "place", "LOC": "place", "FAC": "place",
    "ORG": "organisation", "PRODUCT": "product", "EVENT": "event", "WORK_OF_ART": "product",
    "BRAND": "brand",
}  # fmt: skip
_CAPITAL = {"TEXT": {"REGEX": "^[A-ZÀ-ÖØ-Þ][^.]*$"}, "IS_STOP": False}
_TITLES = ["mr", "mr.", "mrs", "mrs.", "ms", "ms.", "dr", "dr.", "sir", "lady", "captain", "coach"]
_TITLES += ["senator", "president", "minister", "professor", "judge", "general", "king", "queen"]
_SAYS = ["says", "said", "told", "added", "asked", "thinks", "believes", "announced", "explained"]
_DOES = [*_SAYS, "is", "has", "was", "will", "plans", "makes", "made", "sells", "sold", "shows"]
_DOES += ["launched", "launches", "released", "releases", "unveiled", "wins", "won", "leads", "led"]
_DOES += ["owns", "bought", "opened", "reported", "’s", "'s"]
_FIRMS = ["inc", "ltd", "limited", "corporation", "corp", "group", "bank", "university", "party"]
_FIRMS += ["united", "fc", "association", "airlines", "council", "committee", "institute", "league"]
_SITES = ["river", "street", "road", "bay", "harbour", "harbor", "park", "stadium", "island"]
_SITES += ["lake", "mountains", "valley", "bridge", "airport", "beach", "square", "coast", "city"]
_NO_PLACES = ["january", "february", "march", "april", "may", "june", "july", "august", "september"]
_NO_PLACES += ["october", "november", "december", "monday", "tuesday", "wednesday", "thursday"]
_NO_PLACES += ["friday", "saturday", "sunday", "christmas", "easter", "english", "french", "german"]
_PLACE = {**_CAPITAL, "LOWER": {"NOT_IN": _NO_PLACES}}
_NAMED = {**_CAPITAL, "OP": "+"}
# kind → patterns, each with how many words at its start and at its end are not of the name
_RULES: dict[Kind, list[tuple[list[dict[str, Any]], int, int]]] = {
    "person": [
        ([{"LOWER": {"IN": _TITLES}}, {**_CAPITAL, "OP": "{1,3}"}], 0, 0),
        ([{**_CAPITAL, "OP": "{2,3}"}, {"LOWER": {"IN": _SAYS}}], 0, 1),
    ],
    "organisation": [([_NAMED, {"LOWER": {"IN": _FIRMS}, **_CAPITAL}], 0, 0)],
    "place": [
        ([_NAMED, {"LOWER": {"IN": _SITES}, **_CAPITAL}], 0, 0),
        ([{"LOWER": {"IN": ["in", "near", "across"]}}, {**_PLACE, "OP": "{1,3}"}], 1, 0),
    ],
}


class Names:
    """The matchers for one pipeline and some brands."""

    def __init__(self, nlp: Language, brands: Sequence[str] = ()) -> None:
        from spacy.matcher import Matcher, PhraseMatcher

        self._trim: dict[int, tuple[Kind, int, int]] = {}
        self._rules = Matcher(nlp.vocab)
        if "ner" not in nlp.pipe_names:
            self._add_rules(nlp)
        self._brands = PhraseMatcher(nlp.vocab, attr="LOWER")
        self._brands.add("brand", [nlp.make_doc(name) for name in brands if name.strip()])
        self._begins = Matcher(nlp.vocab)
        self._begins.add("name", [[{**_CAPITAL, "OP": "{1,3}"}, {"LOWER": {"IN": _DOES}}]])

    def _add_rules(self, nlp: Language) -> None:
        for kind, patterns in _RULES.items():
            for number, (pattern, before, after) in enumerate(patterns):
                key = f"{kind} {number}"
                self._rules.add(key, [pattern], greedy="LONGEST")
                self._trim[nlp.vocab.strings[key]] = kind, before, after

    def entities(self, doc: Doc) -> list[tuple[Span, Kind]]:
        """Those in a text, none in another: a brand before what is longer, then by the order of
        the text."""
        found: list[tuple[Span, Kind]] = []
        taken: set[int] = set()
        ranked = (self._of_brands(doc), self._of_model(doc), self._of_rules(doc))
        for spans in ranked:
            for span, kind in sorted(spans, key=lambda one: (-len(one[0]), one[0].start)):
                if len(span) and taken.isdisjoint(range(span.start, span.end)):
                    taken.update(range(span.start, span.end))
                    found.append((span, kind))
        return sorted(found, key=lambda one: one[0].start)

    def _of_brands(self, doc: Doc) -> list[tuple[Span, Kind]]:
        found = self._brands(doc) if len(self._brands) else ()
        return [(doc[start:end], "brand") for _, start, end in found]

    def _of_model(self, doc: Doc) -> list[tuple[Span, Kind]]:
        return [(span, _KINDS[span.label_]) for span in doc.ents if span.label_ in _KINDS]

    def _of_rules(self, doc: Doc) -> list[tuple[Span, Kind]]:
        found: list[tuple[Span, Kind]] = []
        for key, start, end in self._rules(doc) if len(self._rules) else ():
            kind, before, after = self._trim[key]
            found.append((doc[start + before : end - after], kind))
        return found

    def is_name(self, token: Token) -> bool:
        """By the word alone, and where it stands."""
        if token.pos_:  # there is a tagger
            return token.pos_ == "PROPN" or token.ent_type_ in _KINDS
        return _is_capital(token) and not _begins_a_sentence(token)

    def used_as_names(self, doc: Doc) -> Iterator[Token]:
        """The words that are names where they stand, once or more often."""
        yield from (token for token in doc if self.is_name(token))
        if doc.has_annotation("DEP"):  # who does something is named, if it has a capital
            doing = (token for token in doc if token.dep_ in ("nsubj", "nsubjpass", "poss"))
            yield from (t for t in doing if _is_capital(t) and t.pos_ in ("PROPN", "X", ""))
        else:
            for _, start, end in self._begins(doc):
                yield from doc[start : end - 1]


def _is_capital(token: Token) -> bool:
    return token.text[:1].isupper() and not token.is_stop


def _begins_a_sentence(token: Token) -> bool:
    before = [t for t in token.doc[max(token.i - 3, 0) : token.i] if not t.is_quote]
    return not before or before[-1].text in (".", "!", "?", "…", ":")
