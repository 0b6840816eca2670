"""The arithmetic of codes and losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from analysis.crossmodal.codebook import (  # noqa: E402
    Codebook,
    distances,
    mean_of_items,
    perplexity,
    soft_codes,
    straight_through,
)
from analysis.crossmodal.losses import (  # noqa: E402
    code_matching_loss,
    code_similarity,
    matching_loss,
)

seeds = st.integers(0, 10_000)
few = settings(max_examples=25, deadline=None)


@few
@given(seeds, st.integers(1, 9), st.integers(2, 9), st.integers(1, 5))
def test_each_vector_gets_the_nearest_code(seed: int, n: int, size: int, dimensions: int):
    torch.manual_seed(seed)
    book, x = Codebook(size, dimensions), torch.randn(n, dimensions)
    found = book(x)
    true = torch.cdist(x.double(), book.vectors.double())
    assert torch.allclose(true.gather(1, found.codes[:, None])[:, 0], true.min(1).values, atol=1e-3)
    assert torch.allclose(found.vectors, book.vectors[found.codes], atol=1e-5)
    shares = soft_codes(found.distances)
    assert torch.allclose(shares.sum(1), torch.ones(n), atol=1e-5)
    assert torch.equal(shares.argmax(1), found.codes)


@few
@given(seeds)
def test_gradients_pass_straight_through(seed: int):
    torch.manual_seed(seed)
    x, q, g = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3), torch.randn(4, 3)
    out = straight_through(x, q)
    assert torch.allclose(out, q, atol=1e-6)
    out.backward(g)
    assert torch.equal(x.grad, g)


def test_a_vector_that_is_a_code_has_a_gradient_that_is_a_number():
    x = torch.ones(1, 2, requires_grad=True)
    distances(x, torch.ones(1, 2)).sum().backward()
    assert torch.isfinite(x.grad).all()


@few
@given(seeds, st.integers(2, 6))
def test_codes_move_to_the_mean_of_what_they_stand_for(seed: int, size: int):
    torch.manual_seed(seed)
    book = Codebook(size, 3, decay=0.0)  # no memory: the mean of this step
    x = torch.randn(40, 3)
    codes = torch.arange(40) % size
    book.follow(x, codes)
    for code in range(size):
        assert torch.allclose(book.vectors[code], x[codes == code].mean(0), atol=1e-3)


def test_codes_that_stand_for_nothing_begin_again_where_the_data_are():
    torch.manual_seed(0)
    book = Codebook(16, 2, decay=0.5)
    book.vectors[8:] = 1e3  # far from all there is
    x = torch.randn(200, 2)
    for _ in range(20):
        book.follow(x, book(x).codes)
    assert book.vectors.abs().max() < 10
    counts = torch.bincount(book(x).codes, minlength=16)
    assert (counts > 0).sum() >= 15


@few
@given(st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(any))
def test_perplexity_lies_between_one_and_the_codes_in_use(counts: list[int]):
    p = perplexity(torch.tensor(counts))
    assert 1 - 1e-6 <= p <= sum(1 for c in counts if c) + 1e-6


def test_the_mean_of_an_item_is_of_its_own_rows():
    rows = torch.tensor([[1.0], [3.0], [10.0]])
    assert mean_of_items(rows, torch.tensor([0, 0, 1]), 2).tolist() == [[2.0], [10.0]]


@few
@given(seeds)
def test_code_similarity_is_the_paper_s(seed: int):
    p, q = torch.softmax(torch.randn(2, 3, 5, generator=torch.manual_seed(seed)), -1)
    found = code_similarity(p, q)
    for i in range(3):
        for j in range(3):
            true = (p[i] * q[j].log() + q[j] * p[i].log()).sum()
            assert torch.isclose(found[i, j], true, atol=1e-5)


@few
@given(seeds, st.integers(2, 8))
def test_the_loss_is_cross_entropy_where_each_has_one_match(seed: int, n: int):
    scores = torch.randn(n, n, generator=torch.manual_seed(seed))
    true = torch.nn.functional.cross_entropy(scores, torch.arange(n))
    assert torch.isclose(matching_loss(scores, torch.eye(n, dtype=torch.bool)), true, atol=1e-5)


def test_one_match_is_no_mistake_of_another_and_a_margin_asks_for_more():
    same = torch.tensor([[True, True, False]])
    scores = torch.tensor([[5.0, -5.0, -20.0]])
    assert matching_loss(scores, same) < 1e-4
    assert matching_loss(scores, same, margin=16.0) > 0.5
    assert matching_loss(scores, torch.zeros(1, 3, dtype=torch.bool)) == 0


def test_code_matching_is_least_where_pairs_share_their_codes():
    p = torch.eye(4) * 0.9 + 0.025
    same = torch.eye(4, dtype=torch.bool)
    right, wrong = code_matching_loss(p, p, same), code_matching_loss(p, p.roll(1, 0), same)
    assert right < 0.2 < wrong


def test_a_codebook_of_nothing_is_refused():
    with pytest.raises(ValueError, match="codebook of 1"):
        Codebook(1, 2)
    book = Codebook(8, 2)
    book.begin(torch.tensor([[1.0, 2.0]]))  # fewer rows than codes
    assert np.isfinite(book.vectors.numpy()).all()
