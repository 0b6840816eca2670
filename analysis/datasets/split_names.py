"""Which split a folder, a file or a subset is called after: by whole words only.

`instances_train2017.json` and `valid/` say a split, `valley_cup.json` and `testimonials/` do not.
"""

from __future__ import annotations

import re

from analysis.datasets.types import Split

SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "valset", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "testset"), "test"),
}
_WORD = re.compile(r"[a-z]+")


def split_named(name: str) -> Split | None:
    """The split that a path or a name says, the last word of it first."""
    words = [SPLITS[word] for word in _WORD.findall(name.casefold()) if word in SPLITS]
    return words[-1] if words else None
