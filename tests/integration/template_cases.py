"""Template snippets and conversations on which gemmac's renderer must agree with Jinja, set
up as transformers does it."""

MESSAGES = [
    {"role": "system", "content": "  Be brief. \n"},
    {"role": "user", "content": "Hi <b> 'x' \"y\" é 日本"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello"},
    {"role": "user", "content": " again\n"},
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": 'It\'s "weather" <now>',
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "enum": ["A", "B"]}},
                "required": ["city"],
            },
        },
    }
]
VARIABLES = {
    "messages": MESSAGES,
    "tools": TOOLS,
    "documents": None,
    "add_generation_prompt": True,
    "bos_token": "<bos>",
    "eos_token": "<eos>",
    "n": 7,
    "neg": -3,
    "f": 2.5,
    "t": True,
    "s": "Hello, World",
    "u": "naïve 日本\u3000",
    "empty": "",
    "words": ["b", "A", "c", "a"],
    "numbers": [3, 1, 2, 3],
    "nested": {"b": {"x": 1}, "a": {"x": 2}, "C": {"x": 0}},
    "people": [{"name": "Ann", "age": 3}, {"name": "Bob", "age": 5}, {"name": "cid", "age": 3}],
}

# Each line must render alike; one that ends with a backslash goes on in the next. Grouped by what they are about.
SNIPPETS = """
{{ 1 + 2 * 3 - 4 / 2 }}|{{ 7 // 2 }}|{{ -7 // 2 }}|{{ -7 % 3 }}|{{ 7.5 % 2 }}|{{ 2 ** 10 }}|{{ 2 ** -1 }}|{{ 1e3 }}|\
{{ 1_000 }}|{{ 0x1f }}
{{ -n }}|{{ +n }}|{{ - 3 | abs }}|{{ neg | abs }}|{{ 10 / 4 }}|{{ 4 / 2 }}|{{ 1e16 }}|{{ 1e-5 }}|{{ 0.1 + 0.2 }}|\
{{ 1e15 }}|{{ 123456789.125 }}
{{ true }} {{ True }} {{ none }} {{ None }} {{ false }}|{{ missing }}|{{ missing | default('d') }}|\
{{ empty | default('d', true) }}|{{ none | d('x') }}
{{ 'a' 'b' ~ 1 ~ none ~ true ~ 2.0 ~ [1, 'x'] ~ missing }}|{{ 'a' + 'b' }}|{{ [1] + [2] }}|{{ 'ab' * 3 }}|\
{{ [0] * 2 }}|{{ (1, 2) + (3,) }}
{{ 1 < 2 < 3 }}|{{ 3 > 2 >= 2 }}|{{ 1 == 1.0 }}|{{ 'a' < 'b' }}|{{ 1 != 2 }}|{{ [1, 2] < [1, 3] }}|{{ true == 1 }}|\
{{ 'a' == 1 }}|{{ none == false }}
{{ 'ell' in s }}|{{ 'x' not in s }}|{{ 3 in numbers }}|{{ 'a' in nested }}|{{ 'q' in missing }}|{{ not 1 in [1] }}|\
{{ not true or true }}
{{ 'yes' if n > 3 else 'no' }}|{{ 'yes' if n > 30 }}|{{ 'a' if false else 'b' if false else 'c' }}|\
{{ 1 if t and not missing else 2 }}
{{ missing or 'x' }}|{{ '' and 'x' }}|{{ 0 or none }}|{{ n and s }}|{{ [] or {} }}
{{ s[0] }}{{ s[-1] }}{{ s[1:4] }}{{ s[::-1] }}{{ s[:2] }}{{ s[7:] }}{{ s[-3:] }}|{{ numbers[1:] }}|{{ numbers[::2] }}|\
{{ numbers[::-1] }}|{{ numbers[-2:] }}|{{ numbers[10:] }}|{{ u[1:4] }}|{{ s[100] }}
{{ messages[0].role }}|{{ messages[0]['role'] }}|{{ messages[-1]["content"] }}|{{ messages[9] }}|{{ messages.0.role }}|\
{{ nested.a.x }}|{{ nested['b']['x'] }}|{{ nested.zzz }}
{{ {'a': 1, 'b': [1, 2.0, none, true], 'c': {'d': "it's"}} }}|{{ ['a"b', "it's", 'both\\'"'] }}|{{ (1,) }}|{{ () }}|\
{{ 1, 2 }}|{{ {} }}|{{ ['\\n\\t\\\\é'] }}
{{ 'a\\nb\\t\\x41\\u00e9\\'\\"\\\\ \\q' }}|{{ "it's" }}|{{ 'say "x"' }}
{{ s | upper }}|{{ s | lower }}|{{ 'hello there-you (now)' | title }}|{{ 'hELLO wORLD' | capitalize }}|\
{{ "it's me" | title }}|{{ "it's me" .title() }}
{{ '  x \\n' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ u | trim }}|{{ '\\u00a0a\\u3000' | trim }}|{{ n | trim }}|\
{{ none | trim }}
{{ s | length }}|{{ u | length }}|{{ numbers | length }}|{{ nested | length }}|{{ missing | length }}|\
{{ numbers | count }}
{{ words | join }}|{{ words | join(', ') }}|{{ numbers | join('-') }}|{{ people | join('/', attribute='name') }}|\
{{ [1, none, 'a'] | join(',') }}|{{ 'abc' | join('.') }}
{{ numbers | first }}|{{ numbers | last }}|{{ [] | first }}|{{ 'abc' | first }}|{{ 'abc' | last }}|\
{{ numbers | list }}|{{ 'abc' | list }}|{{ nested | list }}|{{ (1, 2) | list }}
{{ words | sort }}|{{ words | sort(reverse=true) }}|{{ words | sort(case_sensitive=true) }}|{{ numbers | sort }}|\
{{ people | sort(attribute='age') | map(attribute='name') | list }}
{{ nested | dictsort }}|{{ nested | dictsort(true) }}|{{ {'x': 2, 'y': 1} | dictsort(by='value') }}|\
{{ {'x': 2, 'y': 1} | dictsort(reverse=true) }}
{{ words | map('upper') | list }}|{{ people | map(attribute='name') | join(',') }}|\
{{ people | map(attribute='zip', default='?') | join(',') }}|{{ [' a ', 'b '] | map('trim') | list }}
{{ numbers | select('odd') | list }}|{{ numbers | select('gt', 1) | list }}|\
{{ numbers | reject('equalto', 3) | list }}|{{ [0, 1, ''] | select | list }}|{{ [0, 1] | reject | list }}
{{ people | selectattr('age', 'equalto', 3) | map(attribute='name') | list }}|\
{{ people | rejectattr('age', 'gt', 3) | list | length }}|{{ people | selectattr('name') | list | length }}|\
{{ people | selectattr('zip', 'defined') | list }}
{{ numbers | unique | list }}|{{ words | unique | list }}|{{ numbers | min }}|{{ numbers | max }}|{{ numbers | sum }}|\
{{ people | sum(attribute='age') }}|{{ words | min }}|{{ [] | max }}
{{ numbers | reverse | list }}|{{ 'abc' | reverse }}|{{ numbers | batch(2) | list }}|\
{{ numbers | batch(3, 0) | list }}|{% for age, group in people | groupby('age') %}\
{{ age }}:{{ group | map(attribute='name') | list }};{% endfor %}
{{ 'a-b-c' | replace('-', '+') }}|{{ 'a-b-c' | replace('-', '+', 1) }}|{{ 'abc' | replace('', '.') }}|\
{{ 5 | replace('5', '6') }}|{{ 'aaa' .replace('a', 'b', 2) }}
{{ '42' | int }}|{{ ' 42 ' | int }}|{{ 'x' | int }}|{{ 'x' | int(7) }}|{{ 3.9 | int }}|{{ '3.7' | int }}|\
{{ '1.5' | float }}|{{ 'x' | float }}|{{ true | int }}|{{ none | int }}|{{ 2 | float }}
{{ 2.5 | round }}|{{ 3.5 | round }}|{{ 2.675 | round(2) }}|{{ 2.1 | round(0, 'ceil') }}|\
{{ 2.9 | round(method='floor') }}|{{ 42.55 | round(1, 'floor') }}|{{ -5 | abs }}|{{ 5 | string }}|{{ s | safe }}
{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent(2, blank=true) }}|\
{{ 'a\\nb' | indent('> ') }}|{{ 'a b  c' | wordcount }}
{{ messages | tojson }}|{{ tools | tojson(indent=2) }}|{{ nested | tojson(sort_keys=true) }}|\
{{ 'é<>&\\'"' | tojson }}|{{ [1, 2.5, none, true, {}, []] | tojson(indent=4) }}|\
{{ {'a': 1} | tojson(separators=(',', ':')) }}|{{ 'é日😀' | tojson(ensure_ascii=true) }}
{{ nested | items | list }}|{{ nested.items() | list }}|{{ nested.keys() | list }}|{{ nested.values() | list }}|\
{{ nested.get('a') }}|{{ nested.get('zz') }}|{{ nested.get('zz', 5) }}
{{ 'a,b,,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a b c'.split(' ', 1) }}|{{ 'a b c'.rsplit(' ', 1) }}|\
{{ 'a</think>b'.split('</think>')[-1] }}|{{ 'abc'.split('x') }}|{{ 'a b c'.split(none, 1) }}|\
{{ 'a\\nb\\r\\nc'.splitlines() }}
{{ '  x '.strip() }}|{{ '  x '.lstrip() }}|{{ '  x '.rstrip() }}|{{ 'xxaxx'.strip('x') }}|\
{{ '\\n\\nab\\n'.lstrip('\\n') }}|{{ 'abc'.startswith('ab') }}|{{ 'abc'.endswith(('x', 'c')) }}|\
{{ 'abc'.removeprefix('a') }}|{{ 'abc'.removesuffix('c') }}
{{ 'Hello'.upper() }}|{{ 'Hello'.lower() }}|{{ 'hello there'.title() }}|{{ 'hello'.capitalize() }}|\
{{ 'a-b'.replace('-', '+') }}|{{ 'hello'.find('l') }}|{{ 'hello'.rfind('l') }}|{{ 'hello'.find('z') }}|\
{{ 'hello'.count('l') }}|{{ ','.join(words) }}|{{ 'hello'.index('e') }}
{{ '12'.isdigit() }}|{{ 'ab'.isalpha() }}|{{ 'a1'.isalnum() }}|{{ ' '.isspace() }}|{{ 'AB'.isupper() }}|\
{{ 'ab'.islower() }}|{{ ''.isdigit() }}|{{ numbers.index(2) }}|{{ numbers.count(3) }}
{{ n is defined }}|{{ missing is defined }}|{{ missing is undefined }}|{{ none is none }}|{{ s is string }}|\
{{ n is number }}|{{ f is float }}|{{ n is integer }}|{{ t is boolean }}|{{ t is integer }}|{{ t is number }}|\
{{ nested is mapping }}|{{ s is mapping }}
{{ numbers is sequence }}|{{ s is sequence }}|{{ nested is sequence }}|{{ n is sequence }}|{{ numbers is iterable }}|\
{{ n is iterable }}|{{ none is iterable }}|{{ missing is iterable }}|{{ missing is sequence }}
{{ n is odd }}|{{ n is even }}|{{ 9 is divisibleby 3 }}|{{ 9 is divisibleby(4) }}|{{ n is equalto 7 }}|\
{{ n is eq(7) }}|{{ n is ne 7 }}|{{ n is gt 3 }}|{{ n is in [7] }}|{{ 'a' is in 'abc' }}|{{ n is not none }}|\
{{ n is not defined or true }}|{{ 'ab' is lower }}|{{ 'AB' is upper }}|{{ true is true }}|{{ 1 is true }}|\
{{ none is sameas none }}
{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %}|{% if missing %}x{% endif %}|\
{% if not messages %}none{% else %}{{ messages | length }}{% endif %}
{% for w in words %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}\
{{ loop.last }}{{ loop.length }}{{ w }};{% endfor %}
{% for w in words %}{{ loop.previtem }}<{{ w }}>{{ loop.nextitem }}{{ loop.previtem is defined }} {% endfor %}|\
{% for x in [] %}x{% else %}nothing{% endfor %}|{% for x in missing %}x{% else %}none{% endfor %}
{% for x in numbers if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% else %}no{% endfor %}|\
{% for x in numbers if x > 9 %}{{ x }}{% else %}no{% endfor %}
{% for k, v in nested.items() %}{{ k }}={{ v.x }};{% endfor %}|{% for k, v in nested | dictsort %}{{ k }}{% endfor %}|\
{% for (a, b) in [(1, 2), [3, 4]] %}{{ a + b }},{% endfor %}|{% for c in 'abc' %}{{ c }}.{% endfor %}|\
{% for k in nested %}{{ k }}{% endfor %}
{% for i in range(3) %}{% for j in range(1, 4, 2) %}{{ loop.depth }}{{ loop.depth0 }}{{ i }}{{ j }} {% endfor %}\
{% endfor %}|{{ range(5) | list }}|{{ range(5, 0, -2) | list }}
{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}\
{% endfor %}|{% for x in [1, 2] %}{% for y in [1, 2] %}{% break %}{% endfor %}{{ x }}{% endfor %}
{% for w in words %}{{ loop.cycle('odd', 'even') }} {% endfor %}|{% for x in 1, 2, 3 %}{{ x }}{% endfor %}
{% set x = 1 %}{% for i in range(3) %}{{ x }}{% set x = x + 1 %}{{ x }} {% endfor %}{{ x }}|\
{% set a, b = 1, 2 %}{{ a }}{{ b }}|{% if true %}{% set y = 5 %}{% endif %}{{ y }}
{% set ns = namespace(found=false, count=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.found = true %}\
{% set ns.count = ns.count + 1 %}{% endif %}{% endfor %}{{ ns.found }} {{ ns.count }} {{ ns.other }}
{% set x %}  block {{ n }} {% endset %}[{{ x }}]|{% set y | trim | upper %}  filtered {% endset %}[{{ y }}]|\
{% set d = dict(a=1, b=2) %}{{ d.a + d.b }}{{ d }}|{% set ns = namespace({'a': 4}) %}{{ ns.a }}
{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c='z') }}\
{{ m(b=5, a=4) }}{{ m() }}
{% macro rec(n) %}{{ n }}{% if n > 0 %},{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(4) }}|\
{% macro outer() %}<{{ caller() }}>{% endmacro %}{% call outer() %}in {{ n }}{% endcall %}
{% macro each(items) %}{% for i in items %}{{ caller(i) }}{% endfor %}{% endmacro %}\
{% call(x) each([1, 2]) %}({{ x }}){% endcall %}|{% macro v() %}{{ varargs }}{{ kwargs }}{% endmacro %}\
{{ v(1, 2, a=3) }}
{% set g = 1 %}{% macro usesglobal() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ usesglobal() }}|\
{% for i in [1, 2] %}{% macro inner() %}{{ i }}{% endmacro %}{{ inner() }}{% endfor %}
{% filter upper %}shout {{ s }}{% endfilter %}|{% with a=1, b=2 %}{{ a + b }}{% endwith %}{{ a }}|\
{% raw %}{{ not }} {% if %}{% endraw %}|{# comment {{ x }} #}|{% filter trim | upper %} x {% endfilter %}
{% generation %}answer {{ n }}{% endgeneration %}|{% block title %}in block{% endblock %}
{{ strftime_now is defined }}|{{ raise_exception is defined }}|{{ messages is defined and messages[0] is mapping }}|\
{{ tools is not none }}|{{ documents is none }}
{{ {'a': {'b': 1}}['a']['b'] }}|{{ {'x': 1}.x }}|{{ [[1, 2], [3]][0][1] }}|{{ ('a', 'b')[1] }}|\
{{ {'items': 5}['items'] }}|{{ {'a': 1} == {'a': 1} }}|{{ {1: 'a'}[1] }}
{{ s | replace('World', n | string) | upper | length }}|{{ (n + 1) | string ~ 'x' }}|{{ -n | abs }}|\
{{ n | string | length + 2 }}|{{ not n is none }}|{{ 'a' ~ 'b' | upper }}|{{ 1 + 2 | string | int }}
{{ messages | selectattr('role', 'equalto', 'user') | list | last | attr('x') }}|\
{{ messages | map(attribute='role') | join(' ') }}|{{ (messages | first).role }}|{{ messages[1:] | length }}|\
{{ (messages | last)['content'] | trim }}
""".strip("\n").split("\n")

# White space around tags: rendered with trim_blocks and lstrip_blocks.
LAYOUTS = [
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n",
    "a \n {%- if true -%} \n b \n {%- endif -%} \n c\n\n",
    "  {{ n }}\n  {{- n -}}  \n x",
    "a {# c #} b\n  {# c #}\n  d\n{#- e -#}\n f",
    "\n\n{% set x = 1 %}\n\n{{ x }}\n\n",
    "{%+ if true %}x{% endif %}\n  {%+ if true +%}\n y{% endif %}",
    "x  {% for i in [1, 2] %}\n  {{ i }}\n  {% endfor %}\n",
    "{% for i in [1, 2] -%}\n  {{ i }},\n{%- endfor %}\nend",
    "line\r\n  {% if true %}\r\nnext\r{% endif %}\r\nlast\r\n",
    "{{ 'a' }}\n{{ 'b' }}\n\n",
    "\t{% if true %}\ttab{% endif %}\t\n",
    "{{ {'a': {'b': 1}} }}{{'}}'}}{{ '%}' }}",
    "{% raw %}\n  {{ x }}\n{% endraw %}\n.",
    "a\n{%- raw -%}\n  {{ x }}\n {%- endraw -%}\n.",
    "{%- macro m() -%}\n  x\n{%- endmacro -%}\n  {{- m() -}}\n y",
    "no tags at all { % } {x} }} %} #}",
    "{% if true %}\n{% if true %}\n  deep\n{% endif %}\n{% endif %}\n\nend\n",
    "x{% if true %} {% endif %}\ny",
    "   {% if true %}   {% if true %}   z   {% endif %}   {% endif %}   ",
    "{#- a -#}  {#+ b +#}\n{{- 1 }}",
    "é {% if true %}\u3000{%- endif %} ü\u00a0{{- 1 }}",
]

# Both must fail.
FAILURES = [
    "{{ missing.attribute }}",
    "{{ missing['x'] }}",
    "{{ missing() }}",
    "{{ 1 + 'a' }}",
    "{{ missing + 1 }}",
    "{{ 'a' < 1 }}",
    "{{ 1 / 0 }}",
    "{{ s | nosuchfilter }}",
    "{{ s is nosuchtest }}",
    "{% for x in 5 %}{% endfor %}",
    "{% for x in none %}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{{ raise_exception('no') }}",
    "{{ n() }}",
    "{{ numbers.append(1) }}",
    "{{ nested.update({}) }}",
    "{% set s.x = 1 %}",
    "{{ 1 in 5 }}",
    "{{ n | length }}",
    "{{ [1, 'a'] | sort }}",
    "{% if %}{% endif %}",
    "{% if true %}",
    "{% endif %}",
    "{{ 'open }}",
    "{{ (1 }}",
    "{{ }}",
    "{% nosuchtag %}",
    "{# open",
    "{{ 1",
    "{{ a b }}",
    "{{ [1, 2 }}",
    "{% for x in [1] %}{% else %}{% else %}{% endfor %}",
    "{{ 'x' is string is string }}",
    "{{ 5 .x() }}",
]
