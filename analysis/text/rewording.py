"""A sentence that a person wrote anew, as what stands for each of its words.

Words keep their times, so a new text is laid over the old ones: what is the same stays where it is
(difflib's longest matching blocks, Ratcliff and Metzener 1988), and what differs stands in the
place of what it replaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher


def reworded(words: Sequence[str], text: str, *, blank: str = " ") -> dict[int, str]:
    """Of each word whose text changes what stands for it, by its place; "" for one that is gone.

    blank: "" for languages that are written without any, whose letters are compared instead. Of
    words replaced by as many each stands for one; else the first stands for all that is new. What
    is added goes with the word before it. Raises ValueError where there are no words.

    >>> reworded(["the", "castle", "wins"], "the Kestrel wins again")
    {1: 'Kestrel', 2: 'wins again'}
    """
    if not words:
        raise ValueError("there are no words to write anew")
    old = [(part, place) for place, word in enumerate(words) for part in _parts(word, blank)]
    new = _parts(text, blank)
    stands: dict[int, list[str]] = {place: [] for place in range(len(words))}
    matcher = SequenceMatcher(None, [part for part, _ in old], new, autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        some = new[first:last]
        if tag == "equal" or (tag == "replace" and end - start == last - first):
            for (_, place), part in zip(old[start:end], some, strict=True):
                stands[place].append(part)
        elif some:
            at = old[start][1] if tag == "replace" else old[start - 1][1] if start else 0
            stands[at] += some
    texts = {place: blank.join(parts) for place, parts in stands.items()}
    return {
        place: said
        for place, said in texts.items()
        if said != blank.join(_parts(words[place], blank))
    }


def _parts(text: str, blank: str) -> list[str]:
    return text.split() if blank else [letter for letter in text if not letter.isspace()]
