"""tools/make_random_checkpoint.py describes the published models: parameters, tensors, vocabulary."""

import json

import numpy as np
import pytest

import make_random_checkpoint as maker
from gemma_checkpoint import TextShape, text_tensors
from support import gemmac

# Counted on the models themselves; tensors that E2B and E4B files hold but nobody reads are left out.
PUBLISHED = {
    "E2B": (5_104_298_467, 1951),
    "E4B": (7_941_101_802, 2076),
    "26B-A4B": (25_805_936_206, 1013),
    "31B": (31_273_088_876, 1188),
    "gemma3-270m": (268_098_176, 236),
}


def all_tensors(config):
    shape = TextShape(config)
    tensors = dict(text_tensors(shape))
    if shape.gemma3:
        return tensors
    if config["audio_config"]:
        tensors.update(maker.audio_tensors(config["audio_config"], shape.hidden))
    tensors.update(maker.vision_tensors(config["vision_config"], shape.hidden))
    return tensors


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_size(model):
    tensors = all_tensors(maker.full_config(model, maker.MODELS[model]["layers"]))
    assert (sum(int(np.prod(dims, dtype=np.int64)) for dims in tensors.values()), len(tensors)) == PUBLISHED[model]


@pytest.mark.parametrize("model", PUBLISHED)
def test_fewer_layers(model):
    """Both kinds of layers stay, and where layers share keys and values, some own them."""
    spec = maker.MODELS[model]
    for count in range(spec["period"] + 1, spec["layers"] + 1):
        layers = TextShape(maker.full_config(model, count)).layers
        assert len(layers) == count and not layers[0].full
        assert layers[-1].full == (not maker.is_gemma3(model) or count % spec["period"] == 0)
        sharing = [layer for i, layer in enumerate(layers) if layer.kv_source != i]
        assert bool(sharing) == model.startswith("E")


def test_tokenizer():
    made = maker.tokenizer()
    vocab, merges = made["model"]["vocab"], made["model"]["merges"]
    assert sorted(vocab.values()) == list(range(262144))
    known = {
        "<pad>": 0,
        "<bos>": 2,
        "<|turn>": 105,
        "<turn|>": 106,
        "\n": 107,
        "<0x00>": 238,
        "user": 2364,
        "▁": 236743,
        "<|image|>": 258880,
    }
    assert {text: vocab[text] for text in known} == known
    assert all(left in vocab and right in vocab and left + right in vocab for left, right in merges)
    assert len({tuple(merge) for merge in merges}) == len(merges)


@pytest.mark.parametrize("model, layers", [("E2B", 35), ("gemma3-270m", 18)])
def test_real_config_is_accepted(model, layers, tmp_path):
    """A cut-down checkpoint in real widths would be gigabytes; its config and tokenizer alone are refused for want of
    weights, and for nothing else: everything before the tensors was accepted."""
    (tmp_path / "config.json").write_text(json.dumps(maker.full_config(model, layers)))
    (tmp_path / "tokenizer.json").write_text(json.dumps(maker.tokenizer()))
    done = gemmac("compile", tmp_path, "-o", tmp_path / "program", "-q")
    assert done.returncode == 3 and "safetensors" in done.stderr
