"""Finding moments: a query read as a person meant it, passages that match, and moments of them.

`parse` reads the query; `matcher` says of tokens whether they match; `fuse` makes one order of
several; `moments` merges neighbours. `Encoder` turns sentences into vectors of their meaning.
"""

from analysis.retrieval.fusion import fuse
from analysis.retrieval.moments import Piece, Span, moments
from analysis.retrieval.query import Filters, Node, Query, Words, parse

__all__ = ["Filters", "Node", "Piece", "Query", "Span", "Words", "fuse", "moments", "parse"]
