"""docs/spec holds: its numpy references give the golden numbers, and what the sources cite is there.

No compiled program takes part.
"""

import functools
import json
import re
import sys

import numpy as np
import pytest

import random_checkpoint
from media_files import read_picture, read_sound
from reference import Reference
from support import CHECKPOINTS, GOLDENS, MODELS, ROOT, golden_logits, goldens, text_prompts

SPEC = ROOT / "docs/spec"
sys.path.insert(0, str(SPEC))
from reference_audio import AudioTower, features  # noqa: E402
from reference_text import TextModel  # noqa: E402
from reference_vision import VisionTower, preprocess, target_size  # noqa: E402

# Largest difference of a logit, whose magnitudes go to 17 in the checkpoints. Observed: 1.0e-5 from the goldens, 1.6e-5
# between the two references, 3.5e-5 in random shapes. A window of one key more moves logits by 2 to 3, gelu by erf
# instead of tanh by 2e-3.
BOUND, BOUND_OF_SHAPES = 5e-5, 2e-4
GEMMA4 = [name for name in random_checkpoint.CASES if not name.startswith("gemma3")]
IMAGE, AUDIO = 1, 3  # token types (spec 6.2)


# ---- text
@functools.cache
def text_model(model):
    return TextModel(CHECKPOINTS / model)


def config(model):
    return json.loads((CHECKPOINTS / model / "config.json").read_text())


def check_golden(model, prompt, soft=None, types=None):
    """Logits of a golden prompt and its answer, checked against what is golden of them."""
    ids, generated = prompt["input_ids"], prompt["generated_ids"]
    logits = text_model(model).logits((ids + generated)[:-1], soft, types)
    assert logits[len(ids) - 1 :].argmax(-1).tolist() == generated, prompt["id"]
    if "logits" in prompt:
        expected = golden_logits(model)
        first, steps = expected[prompt["id"] + ".prompt"], expected[prompt["id"] + ".steps"]
        assert np.abs(logits[: len(first)] - first).max() <= BOUND
        assert np.abs(logits[len(ids) - 1 :][: len(steps)] - steps).max() <= BOUND
    return logits


@pytest.mark.parametrize("model", MODELS)
def test_text_goldens(model):
    """All text prompts: golden tokens, golden logits, and the logits of the other reference."""
    other = Reference(CHECKPOINTS / model, config(model))
    prompts = text_prompts(model)
    assert sum("logits" in prompt for prompt in prompts) >= 3
    for prompt in prompts:
        logits = check_golden(model, prompt)
        again = other.logits((prompt["input_ids"] + prompt["generated_ids"])[:-1])
        assert np.abs(logits - again).max() <= BOUND, prompt["id"]


@pytest.mark.parametrize("name", GEMMA4)
def test_text_of_any_shape(name, tmp_path):
    """Random checkpoints of odd shapes: both references agree."""
    text, options = random_checkpoint.CASES[name]
    random_checkpoint.write(tmp_path / name, text, **options)
    ids = [2, *map(int, np.random.default_rng(3).integers(0, text["vocab_size"], 40))]
    logits = TextModel(tmp_path / name).logits(ids)
    assert logits.std() > 0.1, "logits without spread prove nothing"
    assert np.abs(logits - Reference(tmp_path / name, text).logits(ids)).max() <= BOUND_OF_SHAPES


# ---- pictures and sounds
def media_prompts():
    for model in MODELS:
        for prompt in goldens(model)["prompts"]:
            if "media" in prompt and (GOLDENS / prompt["media"]["file"]).exists():
                yield pytest.param(model, prompt, id=f"{model}-{prompt['id']}")


@pytest.mark.parametrize("model, prompt", media_prompts())
def test_media_goldens(model, prompt):
    """From the file to the answer: tokens are golden, and logits where they are shipped."""
    media, folder = prompt["media"], CHECKPOINTS / model
    if media["kind"] == "image":
        budget = json.loads((folder / "preprocessor_config.json").read_text())["max_soft_tokens"]
        picture = read_picture(GOLDENS / media["file"])
        assert list(target_size(*picture.shape[:2], budget)) == media["resized"][::-1]
        rows, kind, token = VisionTower(folder).encode(*preprocess(picture, budget)), IMAGE, "image_token_id"
    else:
        sound = read_sound(GOLDENS / media["file"])
        assert len(sound) == media["samples"]
        rows, kind, token = AudioTower(folder).encode(*features(sound)), AUDIO, "audio_token_id"
    assert len(rows) == media["soft_tokens"]
    ids = (prompt["input_ids"] + prompt["generated_ids"])[:-1]
    placeholder = config(model)[token]
    places = [i for i, number in enumerate(ids) if number == placeholder]
    assert len(places) == len(rows)
    check_golden(model, prompt, dict(zip(places, rows)), [kind if i in places else 0 for i in range(len(ids))])


def test_media_are_shipped():
    """Of each tower at least one picture or sound with golden logits, so that the test above has something to do."""
    shipped = [param.values for param in media_prompts()]
    checked = {(model, prompt["media"]["kind"]) for model, prompt in shipped if "logits" in prompt}
    assert checked == {("tiny-e", "image"), ("tiny-e", "audio"), ("tiny-moe", "image"), ("tiny-dense", "image")}


# ---- citations
SOURCES = ("compiler", "dialects", "docs", "examples", "passes", "runtime", "targets", "tests", "tools")
KINDS = {".cpp", ".h", ".td", ".py", ".md", ".mlir"}
LIKE_CITATION = re.compile(r"\bspec(ification)?s?\b\W{0,3}((sections?|chapters?|pages?)\W{0,2})?\d", re.IGNORECASE)
CITATION = re.compile(r"spec (\d+(?:\.\d+)*(?:, \d+(?:\.\d+)*)*)")
RANGE = re.compile(r" ?[-–] ?\d| (?:to|and|or) \d")


def cited_sections(text, start=0):
    """The numbers that a citation names; none where it has another form than `spec 3.4` or `spec 3.3, 3.4`."""
    cited = CITATION.match(text, start)
    return cited[1].split(", ") if cited and not RANGE.match(text, cited.end()) else []


def read_joined(path):
    """A file with its comments on one line each, so that a citation may stand where a line is broken."""
    return re.sub(r"\n\s*(///?<?|#)?\s*", " ", path.read_text(encoding="utf-8"))


def citations():
    """(file, cited numbers) of each citation; no numbers where it has another form than `spec 3.4`."""
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in KINDS or path.name == "test_spec.py":
                continue
            text = read_joined(path)
            for found in LIKE_CITATION.finditer(text):
                context = text[found.start() : found.start() + 40]
                yield f"{path.relative_to(ROOT)}: {context}", cited_sections(text, found.start())


def test_citations():
    """Sources cite docs/spec/gemma4.md as `spec 3.4` or `spec 3.3, 3.4`, and these sections are there."""
    headings = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)*)\.? ", (SPEC / "gemma4.md").read_text(), re.MULTILINE))
    assert {"0", "3", "3.4", "11"} <= headings
    found = list(citations())
    assert len(found) >= 50
    assert [place for place, cited in found if not cited] == [], "another form than `spec 3.4`"
    assert [place for place, cited in found if not headings.issuperset(cited)] == [], "no such section"


@pytest.mark.parametrize("text", ["spec section 6.1", "Spec 3.3", "spec 3.4 to 3.7", "spec 3.3 and 3.4", "spec §2.1"])
def test_other_forms_are_found(text):
    assert LIKE_CITATION.search(text) and not cited_sections(text)
