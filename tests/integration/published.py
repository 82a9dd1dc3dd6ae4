"""What published directories and GGUF files of Gemma 3 and 4 look like, and files with exactly these headers.

tests/data/published has the configurations, and says where each fact comes from. `write_directory` makes a directory of
the real size whose tensors are holes in a sparse file: `gemmac inspect` reads headers alone. `write_twin` makes a small
one with the same fields, flags, tokens and kinds of tensors, and random weights.
"""

import json
import struct

import numpy as np

from support import CHECKPOINTS, ROOT
import gguf_file as gguf
import random_checkpoint
import tower_shapes
from gemma_checkpoint import FULL, SLIDING, TextShape, encode, pack_header, text_tensors, write_json, write_weights

DATA = ROOT / "tests" / "data" / "published"
DIRECTORIES = [
    "gemma-3-270m-it",
    "gemma-3-1b-it",
    "gemma-3-4b-it",
    "gemma-4-E2B-it",
    "gemma-4-E4B-it",
    "gemma-4-12B-it",
    "gemma-4-26B-A4B-it",
    "gemma-4-31B-it",
]

# -------------------------------------------------------------------------------- tokens
# Ids of tokens that are not words. Both generations: newlines and spaces in runs, 256 bytes from 238 on.
COMMON = {0: "<pad>", 1: "<eos>", 2: "<bos>", 3: "<unk>", 4: "<mask>"}
GEMMA3 = COMMON | {5: "[multimodal]", 105: "<start_of_turn>", 106: "<end_of_turn>", 255999: "<start_of_image>"}
GEMMA3 |= {256000: "<end_of_image>", 262144: "<image_soft_token>"}
GEMMA4 = COMMON | {46: "<|tool>", 47: "<tool|>", 48: "<|tool_call>", 49: "<tool_call|>", 50: "<|tool_response>"}
GEMMA4 |= {51: "<tool_response|>", 52: '<|"|>', 98: "<|think|>", 100: "<|channel>", 101: "<channel|>", 105: "<|turn>"}
GEMMA4 |= {106: "<turn|>", 255999: "<|image>", 256000: "<|audio>", 258880: "<|image|>", 258881: "<|audio|>"}
GEMMA4 |= {258882: "<image|>", 258883: "<audio|>", 258884: "<|video|>"}
RUNS = {107: "\n", 108: "\n\n", 109: "\n\n\n", 138: "▁▁", 139: "▁▁▁"}
LETTERS = "▁abcdefghijklmnopqrstuvwxyz"


def special_tokens(generation):
    return GEMMA3 if generation == 3 else GEMMA4


def vocabulary(generation, letters_at=500):
    """{id: text} of everything that these tests need; other ids have no string."""
    texts = special_tokens(generation) | RUNS | {238 + byte: f"<0x{byte:02X}>" for byte in range(256)}
    return texts | {letters_at + index: letter for index, letter in enumerate(LETTERS)}


def tokenizer_json(generation, texts):
    """In the structure of the published files: special tokens among the vocabulary and the added tokens, runs added but
    not special, <image_soft_token> added alone."""
    special = set(special_tokens(generation).values())
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = [
        {"id": number, "content": text, **flags, "special": text in special}
        for number, text in sorted(texts.items())
        if text in special or number in RUNS
    ]
    template = json.loads((CHECKPOINTS / "tiny-e" / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = {text: number for number, text in texts.items() if text != "<image_soft_token>"}
    merges = [["\n", "\n"], ["\n\n", "\n"], ["▁", "▁"], ["▁▁", "▁"]]
    return template | {"added_tokens": added, "model": template["model"] | {"vocab": vocab, "merges": merges}}


def chat_template(generation, closed_thought=False):
    """The turns of the published templates, without tools and media."""
    if generation == 3:
        return (
            "{{ bos_token }}{% for m in messages %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else "
            "m['role']) + '\n' + (m['content'] | trim) + '<end_of_turn>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
        )
    return (CHECKPOINTS / ("tiny-moe" if closed_thought else "tiny-e") / "chat_template.jinja").read_text()


# -------------------------------------------------------------------------------- directories
def load(name):
    """The data of one directory; layer types written out."""
    data = json.loads((DATA / f"{name}.json").read_text())
    text = data["config"].get("text_config", data["config"])
    if pattern := text.get("layer_types"):
        unit, count = pattern.split(" * ")
        text["layer_types"] = [{"S": SLIDING, "F": FULL}[kind] for kind in unit] * int(count)
    data["generation"] = 3 if name.startswith("gemma-3") else 4
    return data


def whole_text(data):
    """The text configuration with what the configuration class adds where the file is silent."""
    text = data["config"].get("text_config", data["config"])
    usual = {"vocab_size": 262208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256}
    usual["max_position_embeddings"] = 131072
    return usual | text if data["generation"] == 3 else text


def siglip_tensors(vision):
    """The vision tower of Gemma 3 and what follows it."""
    at, wide, hidden = "vision_tower.vision_model.", vision["intermediate_size"], vision["hidden_size"]
    patches, patch = (vision["image_size"] // vision["patch_size"]) ** 2, vision["patch_size"]
    out = {at + "embeddings.patch_embedding.weight": [hidden, 3, patch, patch]}
    out[at + "embeddings.patch_embedding.bias"] = [hidden]
    out[at + "embeddings.position_embedding.weight"] = [patches, hidden]
    out |= {at + f"post_layernorm.{part}": [hidden] for part in ("weight", "bias")}
    for i in range(vision["num_hidden_layers"]):
        layer = f"{at}encoder.layers.{i}."
        shapes = {"layer_norm1": [hidden], "layer_norm2": [hidden]}
        shapes |= {"mlp.fc1": [wide, hidden], "mlp.fc2": [hidden, wide]}
        shapes |= {f"self_attn.{part}_proj": [hidden, hidden] for part in ("q", "k", "v", "out")}
        for part, shape in shapes.items():
            out |= {f"{layer}{part}.weight": shape, f"{layer}{part}.bias": shape[:1]}
    return out


def clipped(name, shape):
    ends = [f"{end}_{way}" for end in ("input", "output") for way in ("min", "max")]
    return {name + ".linear.weight": shape} | {f"{name}.{end}": [] for end in ends}


def vision_tensors(vision):
    """The vision tower of Gemma 4 (spec 2.2)."""
    at, hidden, wide = "model.vision_tower.", vision["hidden_size"], vision["intermediate_size"]
    heads = vision["num_attention_heads"] * vision["head_dim"]
    linear = clipped if vision["use_clipped_linears"] else lambda name, shape: {name + ".linear.weight": shape}
    out = {at + "patch_embedder.input_proj.weight": [hidden, 768]}
    out[at + "patch_embedder.position_embedding_table"] = [2, vision["position_embedding_size"], hidden]
    if vision["standardize"]:
        out |= {at + "std_bias": [hidden], at + "std_scale": [hidden]}
    for i in range(vision["num_hidden_layers"]):
        layer = f"{at}encoder.layers.{i}."
        for norm in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
            out[f"{layer}{norm}_layernorm.weight"] = [hidden]
        out |= {f"{layer}self_attn.{part}_norm.weight": [vision["head_dim"]] for part in "qk"}
        for part in "qkv":
            out |= linear(f"{layer}self_attn.{part}_proj", [heads, hidden])
        out |= linear(layer + "self_attn.o_proj", [hidden, heads])
        for part in ("gate", "up"):
            out |= linear(f"{layer}mlp.{part}_proj", [wide, hidden])
        out |= linear(layer + "mlp.down_proj", [hidden, wide])
    return out


def audio_tensors(audio):
    """The audio tower of Gemma 4 (spec 2.3)."""
    at, hidden, first, second = "model.audio_tower.", audio["hidden_size"], *audio["subsampling_conv_channels"]
    out, stem = {}, at + "subsample_conv_projection."
    for layer, shape in (("layer0", [first, 1, 3, 3]), ("layer1", [second, first, 3, 3])):
        out |= {f"{stem}{layer}.conv.weight": shape, f"{stem}{layer}.norm.weight": shape[:1]}
    out[stem + "input_proj_linear.weight"] = [hidden, hidden]
    given = audio["output_proj_dims"]
    out |= {at + "output_proj.weight": [given, hidden], at + "output_proj.bias": [given]}
    for i in range(audio["num_hidden_layers"]):
        layer = f"{at}layers.{i}."
        for part in ("feed_forward1", "feed_forward2"):
            out |= {f"{layer}{part}.{norm}_layer_norm.weight": [hidden] for norm in ("pre", "post")}
            out |= clipped(f"{layer}{part}.ffw_layer_1", [4 * hidden, hidden])
            out |= clipped(f"{layer}{part}.ffw_layer_2", [hidden, 4 * hidden])
        for norm in ("norm_pre_attn", "norm_post_attn", "norm_out", "lconv1d.pre_layer_norm", "lconv1d.conv_norm"):
            out[f"{layer}{norm}.weight"] = [hidden]
        for part in ("q_proj", "k_proj", "v_proj", "post"):
            out |= clipped(f"{layer}self_attn.{part}", [hidden, hidden])
        out[layer + "self_attn.relative_k_proj.weight"] = [hidden, hidden]
        out[layer + "self_attn.per_dim_scale"] = [hidden // audio["num_attention_heads"]]
        out |= clipped(layer + "lconv1d.linear_start", [2 * hidden, hidden])
        out |= clipped(layer + "lconv1d.linear_end", [hidden, hidden])
        out[layer + "lconv1d.depthwise_conv1d.weight"] = [hidden, 1, audio["conv_kernel_size"]]
    return out


def media_tensors(data):
    """{name: shape} of everything beside the text model."""
    config, hidden = data["config"], whole_text(data)["hidden_size"]
    vision, audio, out = config.get("vision_config"), config.get("audio_config"), {}
    if data["generation"] == 3 and vision:
        out = siglip_tensors(vision)
        out["multi_modal_projector.mm_input_projection_weight"] = [vision["hidden_size"], hidden]
        out["multi_modal_projector.mm_soft_emb_norm.weight"] = [vision["hidden_size"]]
    elif "4Unified" in config["architectures"][0]:
        return tower_shapes.embedder_tensors(vision, audio, hidden)
    elif vision:
        out = vision_tensors(vision)
        out["model.embed_vision.embedding_projection.weight"] = [hidden, vision["hidden_size"]]
    if audio:
        out |= audio_tensors(audio)
        out["model.embed_audio.embedding_projection.weight"] = [hidden, audio["output_proj_dims"]]
    return out


def text_prefix(data):
    nested = "text_config" in data["config"]
    return "language_model.model." if data.get("first_release") else "model.language_model." if nested else "model."


def tensor_shapes(data):
    """{name: shape} of all tensors of a published directory."""
    shape = TextShape(whole_text(data))
    text = {text_prefix(data) + name: dims for name, dims in text_tensors(shape, data.get("dead_kv", False)).items()}
    return text | media_tensors(data)


def write_settings(folder, data, texts):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config", "generation_config", "tokenizer_config"):
        write_json(folder / f"{name}.json", data[name])
    write_json(folder / "tokenizer.json", tokenizer_json(data["generation"], texts))
    template = chat_template(data["generation"], data.get("closed_thought", False))
    (folder / "chat_template.jinja").write_text(template)


def write_holes(path, shapes):
    """A safetensors file of bf16 tensors whose bytes are a hole."""
    header, at = {}, 0
    for name, shape in shapes.items():
        end = at + 2 * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, end]}
        at = end
    raw = pack_header(header | {"__metadata__": {"format": "pt"}})
    with open(path, "wb") as file:
        file.write(raw)
        file.truncate(len(raw) + at)


def write_directory(folder, name):
    """The directory in its real size."""
    data = load(name)
    write_settings(folder, data, vocabulary(data["generation"]))
    shapes = sorted(tensor_shapes(data).items())
    count = data.get("shards", 1)
    if count == 1:
        write_holes(folder / "model.safetensors", dict(shapes))
        return data
    index = {}
    for shard in range(count):
        part = dict(shapes[shard::count])
        file = f"model-{shard + 1:05}-of-{count:05}.safetensors"
        write_holes(folder / file, part)
        index |= dict.fromkeys(part, file)
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": 0}, "weight_map": index})
    return data


# -------------------------------------------------------------------------------- twins
TWIN_VOCAB = 640
SMALL = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 2, "head_dim": 32, "sliding_window": 16}


def twin_texts(generation, vocab=TWIN_VOCAB):
    """The vocabulary of a twin: ids below 600 as published, media tokens at its end; the one beyond stays beyond."""
    texts = vocabulary(generation)
    high = sorted(number for number in texts if number >= 600)
    kept = {number: text for number, text in texts.items() if number < 600}
    places = range(vocab - len(high) + (generation == 3), vocab + (generation == 3))
    return kept | {place: texts[number] for place, number in zip(places, high)}


def shrink(data, layers):
    """The same fields with small numbers; `layers` are the kinds of the twin's."""
    config = data["config"]
    text = config.get("text_config", config)
    changes = SMALL | {"num_hidden_layers": len(layers), "layer_types": layers, "vocab_size": TWIN_VOCAB}
    changes |= {"global_head_dim": 64, "num_key_value_heads": 1, "max_position_embeddings": 512}
    changes |= {"hidden_size_per_layer_input": 32, "num_kv_shared_layers": 2, "vocab_size_per_layer_input": TWIN_VOCAB}
    changes |= {"query_pre_attn_scalar": 32}
    required = {"vocab_size", "num_attention_heads", "head_dim", "num_key_value_heads"}
    for key, value in changes.items():
        if key in required or text.get(key) not in (None, 0):
            text[key] = value
    for tower in ("vision_config", "audio_config"):
        if config.get(tower):
            small = {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 48, "image_size": 28}
            small |= {"mm_embed_dim": 32, "audio_embed_dim": 32, "audio_samples_per_token": 32}
            small |= {"position_embedding_size": 16, "output_proj_dims": 32, "subsampling_conv_channels": [8, 4]}
            config[tower] |= {key: value for key, value in small.items() if key in config[tower]}
    return text


def twin_weights(name, layers):
    """The shrunk data of a directory and the twin's text weights by canonical name, without the addend of norms."""
    data = load(name)
    shrink(data, layers)
    shape = TextShape(whole_text(data))
    weights = {}
    for name, dims in sorted(text_tensors(shape, data.get("dead_kv", False)).items()):
        full = random_checkpoint.values(name, dims, 5, 0.6 * shape.query_scale**-0.5)
        weights[name] = (full - (shape.norm_addend if len(dims) == 1 else 0)).astype(np.float32)
    return data, weights


def write_twin(folder, name, layers, suppressed=()):
    """A small directory with the headers of a published one; what is not of the text model is zero."""
    data, weights = twin_weights(name, layers)
    if suppressed:
        data["generation_config"]["suppress_tokens"] = list(suppressed)
    write_settings(folder, data, twin_texts(data["generation"]))
    stored = {name: ("BF16", dims) for name, dims in tensor_shapes(data).items()}

    def content(name):
        values = weights.get(name.removeprefix(text_prefix(data)))
        return [encode(np.zeros(stored[name][1], np.float32) if values is None else values, "BF16")]

    write_weights(folder, stored, content, 200_000 if data.get("shards") else None)


# -------------------------------------------------------------------------------- GGUF
def gguf_data(name):
    """Metadata of a published file as {key: (type, value)}, and what sets its tokens apart."""
    data = json.loads((DATA / "gguf.json").read_text())[name]
    kinds = {kind: getattr(gguf, kind) for kind in ("U32", "U64", "I32", "F32", "BOOL", "STRING")}
    metadata = {}
    for key, (kind, value) in data["metadata"].items():
        metadata[key] = ([kinds[kind[1:-1]]], value) if kind.startswith("[") else (kinds[kind], value)
    return data, metadata


def token_metadata(generation, texts, marks, merges):
    """tokenizer.ggml.* of a file: `marks` gives tokens other types than the converters of today do."""
    special = set(special_tokens(generation).values())
    count = max(texts) + 1

    def kind(number):
        text = texts.get(number)
        if text is None:
            return gguf.UNUSED
        if text in marks:
            return getattr(gguf, marks[text])
        if text in special:
            return gguf.CONTROL
        is_byte = text.startswith("<0x") and text.endswith(">")
        return gguf.BYTE if is_byte else gguf.USER_DEFINED if number in RUNS else gguf.NORMAL

    own = {
        "tokens": ([gguf.STRING], [texts.get(number, f"<unused{number}>") for number in range(count)]),
        "scores": ([gguf.F32], [-1000.0] * count),
        "token_type": ([gguf.I32], [kind(number) for number in range(count)]),
    }
    if merges:
        own["merges"] = ([gguf.STRING], ["\n \n", "\n\n \n", "▁ ▁"])
    return {f"tokenizer.ggml.{key}": value for key, value in own.items()}


def write_gguf_holes(path, metadata, tensors):
    """A GGUF file whose tensors, {name: (type, shape)}, are a hole."""
    sizes = {}
    for name, (kind, shape) in tensors.items():
        number, values, size = gguf.TYPES[kind]
        sizes[name] = int(np.prod(shape, dtype=np.int64)) // values * size
    placed = {name: (kind, shape, range(sizes[name])) for name, (kind, shape) in tensors.items()}
    raw = gguf.pack_header(metadata, placed)
    with open(path, "wb") as file:
        file.write(raw)
        file.truncate(len(raw) + sum(size + -size % 32 for size in sizes.values()))
        if "rope_freqs.weight" in tensors:
            at = sum(size + -size % 32 for name, size in list(sizes.items())[: list(sizes).index("rope_freqs.weight")])
            turned = tensors["rope_freqs.weight"][1][0] // 4
            file.seek(len(raw) + at)
            file.write(struct.pack(f"<{4 * turned}f", *[1.0] * turned, *[1e30] * (3 * turned)))


def gguf_tensor_kinds(data, shape):
    """{name: (type, shape)} of the text model in the types of a published file."""
    tensors = {}
    for name, dims in text_tensors(shape, data.get("dead_kv", False)).items():
        kind = "F32" if len(dims) == 1 or name.endswith("router.proj.weight") else data["types"]["matrices"]
        kind = data["types"].get(name, kind)
        if dims[-1] % gguf.TYPES[kind][1]:  # rows that are no whole blocks fall back
            kind = data["types"]["fallback"]
        tensors[gguf.gguf_name(name)] = (kind, dims)
    if not shape.gemma3:
        tensors["rope_freqs.weight"] = ("F32", [256])
    return tensors | {name: ("F16" if len(dims) > 1 else "F32", dims) for name, dims in data["extra_tensors"].items()}
