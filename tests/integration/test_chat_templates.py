"""gemmac's rendering of chat templates against Jinja itself, set up as transformers sets it up."""

import functools
import json
import subprocess

import pytest
from jinja2 import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from support import BUILD, CHECKPOINTS, MODELS
from template_cases import FAILURES, LAYOUTS, MESSAGES, SNIPPETS, TOOLS, VARIABLES

TOOL = BUILD / "bin" / "gemmac-template"


class Generation(Extension):
    """{% generation %} marks what an assistant said; rendering only its body is what transformers does."""

    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        from jinja2 import nodes

        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True)).set_lineno(lineno)


@functools.cache
def compiled(template):
    result = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise TemplateError(message)

    result.filters["tojson"] = tojson
    result.globals.update(raise_exception=raise_exception, strftime_now=lambda format: "now")
    return result.from_string(template)


def jinja(template, variables):
    """What Jinja renders; None when it fails."""
    try:
        return compiled(template).render(**variables)
    except (TemplateError, TypeError, ValueError, ZeroDivisionError):
        return None


def render(cases):
    """What gemmac renders: a list of {"text"} or {"error"}, one for each (template, variables)."""
    cases = [{"template": template, "variables": variables} for template, variables in cases]
    done = subprocess.run([TOOL], input=json.dumps(cases), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compare(cases):
    wrong = []
    for (template, variables), got in zip(cases, render(cases)):
        expected = jinja(template, variables)
        assert expected is not None, template
        if got.get("text") != expected:
            wrong.append(
                f"{template[:200]!r}\n  got      {got.get('text', got.get('error'))!r}\n  expected {expected!r}"
            )
    assert not wrong, f"{len(wrong)} of {len(cases)} differ:\n" + "\n".join(wrong)


def test_expressions():
    compare([(snippet, VARIABLES) for snippet in SNIPPETS])


def test_white_space():
    compare([(layout, VARIABLES) for layout in LAYOUTS])


def test_failures():
    """What Jinja refuses is an error with a line, never a text."""
    for template, got in zip(FAILURES, render([("\n\n" + template, VARIABLES) for template in FAILURES])):
        assert jinja(template, VARIABLES) is None, template
        assert "error" in got and "line 3 of the chat template: " in got["error"], (template, got)


BOUNDS = [
    ("{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", "nested deeper"),
    ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "too much memory"),
    (
        "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "writes more than",
    ),
    (
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "nested deeper",
    ),
    (
        "{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
        "{{ ns.x | tojson }}",
        "too long",
    ),
    ("{% set ns = namespace(x=[1, 2, 3]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "steps"),
    ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "nested deeper"),
    ("{{ 1" + " + 1" * 50000 + " }}", "nested deeper"),
    ("{{ 'x' * 99999999 }}", "too often"),
    ("{{ 9 ** 99 }}", "63 bits"),
    ("{% include 'x' %}", "tag 'include' is not known"),
    ("{{ s | urlize }}", "filter 'urlize' is not known"),
    ("{{ 'é' | upper }}", "outside of ASCII"),
]


@pytest.mark.parametrize("number", range(len(BOUNDS)))  # the longest would not fit into a test's name
def test_bounds(number):
    """A template cannot use up time, memory or the stack, and what is not known is named."""
    template, said = BOUNDS[number]
    (got,) = render([(template, VARIABLES)])
    assert said in got.get("error", ""), got


CONVERSATIONS = [
    MESSAGES[1:2],
    MESSAGES[:2],
    MESSAGES,
    MESSAGES[1:],
    [{"role": "user", "content": [{"type": "text", "text": " a "}, {"type": "image"}]}],
    [
        {"role": "user", "content": "w?"},
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "1", "function": {"name": "weather", "arguments": {"city": "A", "n": [1, 2.5, None, True]}}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "sunny"},
    ],
]


@pytest.mark.parametrize("model", MODELS)
def test_checkpoints(model):
    """The templates of the example checkpoints, macros and tools included."""
    template = (CHECKPOINTS / model / "chat_template.jinja").read_text()
    compare(
        [
            (
                template,
                {
                    **VARIABLES,
                    "messages": messages,
                    "tools": tools,
                    "enable_thinking": think,
                    "add_generation_prompt": ask,
                },
            )
            for messages in CONVERSATIONS
            for tools in (None, TOOLS)
            for think in (False, True)
            for ask in (False, True)
        ]
    )
