"""Whisper's decoder in openai-whisper's classes: the same sums in an order that memory likes.

A token at a time, the decoder waits for memory more than it computes. Its last product, with every
word piece that there is, is twice as fast for a few windows when the large matrix stands in front;
and what was encoded is kept as the heads of the attention read it, instead of as it was made.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from whisper.model import MultiHeadAttention, TextDecoder

_FEW = 16  # rows: more are as fast the usual way


def hasten(decoder: TextDecoder) -> None:
    """Have a decoder that has no weights yet work so. What it says differs by rounding alone."""
    decoder.__class__ = _Decoder
    for block in decoder.blocks:
        block.cross_attn.__class__ = _CrossAttention


class _Decoder(TextDecoder):
    def forward(self, x: Tensor, xa: Tensor, kv_cache: dict[Any, Tensor] | None = None) -> Tensor:
        """As in whisper up to the last product."""
        offset = next(iter(kv_cache.values())).shape[1] if kv_cache else 0
        places = self.positional_embedding[offset : offset + x.shape[-1]]
        x = (self.token_embedding(x) + places).to(xa.dtype)
        for block in self.blocks:
            x = block(x, xa, mask=self.mask, kv_cache=kv_cache)
        rows = self.ln(x).flatten(0, 1)
        pieces = self.token_embedding.weight.to(rows.dtype)
        few = len(rows) <= _FEW
        logits = (pieces @ rows.T).T.contiguous() if few else nn.functional.linear(rows, pieces)
        return logits.view(*x.shape[:2], -1).float()


class _CrossAttention(MultiHeadAttention):
    def forward(
        self,
        x: Tensor,
        xa: Tensor | None = None,
        mask: Tensor | None = None,
        kv_cache: dict[Any, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """As in whisper; with a cache, which is while a text is written, from heads kept apart."""
        if kv_cache is None or xa is None:
            return super().forward(x, xa, mask, kv_cache)
        if self.key not in kv_cache:
            kept = {made: self._heads(made(xa)).contiguous() for made in (self.key, self.value)}
            kv_cache.update(kept)  # in the place of what whisper's own hooks put there
        looked = scaled_dot_product_attention(
            self._heads(self.query(x)), kv_cache[self.key], kv_cache[self.value]
        )
        return self.out(looked.permute(0, 2, 1, 3).flatten(start_dim=2)), None

    def _heads(self, x: Tensor) -> Tensor:
        """(rows, frames, width) → (rows, heads, frames, width of a head)."""
        return x.view(*x.shape[:2], self.n_head, -1).permute(0, 2, 1, 3)
