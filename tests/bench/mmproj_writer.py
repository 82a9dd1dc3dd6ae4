"""The towers of a random checkpoint as the GGUF file that llama.cpp reads beside the text model (spec 8.2).

The values are those that tests/integration/random_checkpoint.py writes into the checkpoint, rounded to BF16 first, so
that both files are the same model. Types as llama.cpp's converter chooses them: norms, bounds, position tables, the
patch embedding and what belongs to convolutions F32, matrices BF16 or Q8_0 (F16 where a row is no multiple of 32).
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "bench"), str(ROOT / "tests" / "integration")]
import random_checkpoint  # noqa: E402
import tower_shapes  # noqa: E402
from gemma_checkpoint import to_bf16  # noqa: E402
from gguf_file import F32  # noqa: E402
from gguf_writer import TYPES, Float, Tensor, write_gguf  # noqa: E402
from mmproj_file import is_matrix, stored_values, tower_metadata, tower_name  # noqa: E402

#          what matrices get, and the number that general.file_type has for it
WEIGHTS = {"bf16": ("BF16", 32), "q8": ("Q8_0", 7)}


def encoded(values, kind):
    if kind.name == "F32":
        return values.astype("<f4").tobytes()
    if kind.name == "F16":
        return values.astype("<f2").tobytes()
    if kind.name == "BF16":
        return to_bf16(values).astype("<u2").tobytes()
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(1, keepdims=True) / 127).astype(np.float32)
    quants = np.rint(blocks / np.where(scales, scales, 1)).astype(np.int8)
    return np.concatenate([scales.astype("<f2").view(np.uint8), quants.view(np.uint8)], 1).tobytes()


def plain(kind, value):
    """A value as gguf_writer takes it."""
    if kind == [F32]:
        return [Float(one) for one in value]
    return Float(value) if kind == F32 else value


def fields(hidden, vision, audio, weights):
    """What llama.cpp's reader asks for; `hidden` is the text model's."""
    config = {"text_config": {"hidden_size": hidden}, "vision_config": vision, "audio_config": audio}
    return {name: plain(*field) for name, field in tower_metadata(config).items()} | {
        "general.name": "random towers",
        "general.file_type": WEIGHTS[weights][1],
        "general.quantization_version": 2,
        # Its reader takes a coarser function where the file does not say so.
        "clip.use_gelu": True,
    }


def write(path, hidden, weights, vision=None, audio=None, seed=5):
    """The towers of the checkpoint that random_checkpoint.write makes of these configurations and the same seed.

    weights: bf16 or q8.
    """
    named = tower_shapes.vision_tensors(vision, hidden) if vision else {}
    named |= tower_shapes.audio_tensors(audio, hidden) if audio else {}
    sources, tensors = {}, []
    for name, shape in named.items():
        values = stored_values(name, np.empty(shape, np.float16))
        kind = TYPES[WEIGHTS[weights][0] if is_matrix(name, values) else "F32"]
        if values.shape[-1:] and values.shape[-1] % kind.values:
            kind = TYPES["F16"]
        tensors.append(Tensor(tower_name(name), values.shape[::-1], kind))
        sources[tensors[-1].name] = name

    def chunks(tensor):
        name = sources[tensor.name]
        values = np.asarray(random_checkpoint.values(name, named[name], seed), np.float32)
        rounded = (to_bf16(values).astype(np.uint32) << 16).view(np.float32)
        yield encoded(np.ascontiguousarray(stored_values(name, rounded.reshape(values.shape))), tensor.type)

    write_gguf(path, fields(hidden, vision, audio, weights), tensors, chunks)
