"""Which frames of an analysis a person is asked about, and why each of them.

A rule is a document in the grammar of Amazon A2I's activation conditions, with conditions of our
own beside theirs; `docs/rules.md` has each with an example. `grammar` reads a document and refuses
what it does not know, `conditions` says of all frames at once which fulfil a condition, `lot` draws
frames that stay drawn, `selection` puts it together, `told` does the same for mentions and words;
`words` says why a frame is sent, `phrases` what a rule sends.
"""

from analysis.rules.grammar import CONDITIONS, RefusedRule, Rule
from analysis.rules.phrases import in_words
from analysis.rules.seen import Evidence, MentionFact, WordFact
from analysis.rules.selection import Selection, select
from analysis.rules.told import Sent, select_mentions, select_words
from analysis.rules.usual import Usual, usual

__all__ = [
    "CONDITIONS", "Evidence", "MentionFact", "RefusedRule", "Rule", "Selection", "Sent", "Usual",
    "WordFact", "in_words", "select", "select_mentions", "select_words", "usual",
]  # fmt: skip
