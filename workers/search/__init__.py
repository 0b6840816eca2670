"""Search kept up to date: passages, terms, vectors, and what people are told."""
