"""More than 300 texts that mean harm: each is refused in a blink, with its place, and nothing of it is run."""

import builtins

import pytest
from tests.work import calls

from wengert.explain.expression import CONSTANTS, FUNCTIONS, MAX_NODES, ExpressionError, parse

MOST = 100 * MAX_NODES  # calls: a number of them for each term, which take about 50 ms

CODE = [
    "__import__('os').system('true')",
    'exec("x = 1")',
    "open('/etc/passwd').read()",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__.__mro__[1].__subclasses__()",
    "x.__globals__",
    "x.y.z.w",
    "sin.__self__",
    "sin.__call__(x)",
    "(x).real",
    "x.tofile",
    "getattr(x, y)",
    "lambda: x",
    "lambda x: x",
    "(lambda x: x)(x)",
    "[y for y in x]",
    "[y for y in [1, 2] if y]",
    "(y for y in x)",
    "{y for y in x}",
    "{x: y}",
    "sum(y for y in x)",
    "f'{x}'",
    'f"{__import__(x)}"',
    "'text'",
    "b'text'",
    "'a' * 1000000000",
    "(x := 1)",
    "x := 1",
    "x = 1",
    "x += 1",
    "x; y",
    "x\ny",
    "x\\\ny",
    "# x",
    "x # y",
    "import os",
    "from os import *",
    "del x",
    "raise x",
    "return x",
    "yield x",
    "(yield x)",
    "(yield from x)",
    "await x",
    "async x",
    "assert x",
    "global x",
    "nonlocal x",
    "pass",
    "break",
    "class x: y",
    "def x(): y",
    "if x: y",
    "while x: y",
    "for x in y: z",
    "with x: y",
    "try: x",
    "match x: y",
    "print(x)",
    "breakpoint()",
    "x[0]",
    "x[:]",
    "x[...]",
    "x[x[x]]",
    "x, y",
    "x,",
    "(x, y)",
    "()",
    "[]",
    "[[], []]",
    "[*x]",
    "*x",
    "sum(*x)",
    "sum(**x)",
    "sum(x, axis=0)",
    "sin(x=1)",
    "sin()",
    "sin(x, x)",
    "sin(x)(x)",
    "(sin)(x, y)",
    "sin",
    "sin + cos",
    "sin(sin)",
    "x(y)",
    "2(x)",
    "(x + y)(x - y)",
    "[sin](x)",
    "x @ y",
    "x | y",
    "x & y",
    "x ^ y",
    "~x",
    "x << 2",
    "x >> 2",
    "x is y",
    "x is not y",
    "x in y",
    "x not in y",
    "x <> y",
    "x ! y",
    "x if y",
    "if x else y",
    "None",
    "True",
    "False",
    "...",
    "x + None",
    "1_000",
    "0x1f",
    "0b1",
    "0o7",
    "1j",
    "x + 2j",
    "0777",
    "1e",
    "1e+",
    "1.2.3",
    "x y",
    "2x",
    "$x",
    "x?",
    "`x`",
    "x'",
    '"',
    "'''",
    "(x",
    "x)",
    "[x",
    "((x)",
    "%s",
    "x %",
    "* x",
    "/",
    "",
    " ",
    "\t\n",
    "\x00",
    "x\x00y",
    "\\x41",
    "\ufeffx",
    "\udc80",
]

# Letters, digits and signs that look like others, or cannot be seen.
LOOKALIKES = [
    *("ѕin(x)", "sіn(x)", "ｓｉｎ(x)", "𝐬𝐢𝐧(x)", "𝚜𝚒𝚗(x)", "ﬁ(x)", "sin（x）", "sin(х)", "ſin(x)", "sın(x)"),
    *("x²", "x³", "½", "Ⅳ", "٣", "１", "𝟏", "①", "π", "𝜋", "∞", "ℯ", "µ", "Δx", "√x", "∂x"),
    *("x × y", "x ÷ y", "x − y", "x ∕ y", "x ∗ y", "x · y", "x ⋅ y", "x ＋ y", "x ＝ y", "x ≤ y", "x ≠ y"),
    *(
        "x\u200b",
        "x\u200d+ y",
        "x\u2060",
        "x\u00ad",
        "x\u202ey",
        "x\u2066y\u2069",
        "x\u0301",
        "_\u0332",
        "x\ufe0f",
    ),
    *("“x”", "‘x’", "«x»", "x…", "e\u0301", "＿＿import＿＿(x)", "__іmport__(x)"),
]

SIZES = [
    text
    for n in (101, 1000, 4990)
    for text in (
        "(" * n + "x" + ")" * n,
        "[" * n + "x" + "]" * n,
        "-" * n + "x",
        "+-" * n + "x",
        "not " * n + "x",
        "sin(" * n + "x" + ")" * n,
        "x if x else " * n + "x",
        "x**" * n + "x",
        "x**-" * n + "x",
        "(x+" * n + "x" + ")" * n,
        "x." + "y." * n + "z",
        "x" + "[0]" * n,
        "x" + "()" * n,
        "(" * n,
        ")" * n,
        "[" * n,
        "({[" * n,
        "lambda:" * n + "x",
        "**" * n,
    )
][1:]  # the first is allowed: brackets alone are no depth
SIZES += [
    "9" * 400,
    "9" * 5000,
    "9" * 10_001,
    "9" * 1_000_000,
    "1" + "0" * 400 + "*x",
    "x" * 10_001,
    "x+" * 6000 + "x",
    "x+" * 4999 + "x",
    " " * 10_000_000 + "x",
    "\n" * 1_000_000,
    "x" + " " * 1_000_000,
    "(" * 1_000_000,
    "sin(" + "x," * 3000 + "x)",
    "sin(x, " + "y=1, " * 1000 + ")",
    "f" * 9000 + "(x)",
    "x<" * 4999 + "x",
    "x and " * 1600 + "x.y",
    "[" + "1," * 4999 + "1]",
    "0." + "1" * 9990 + "j",
    "x." * 4000 + "x",
]

EXPONENTS = [
    *(f"x**{n}" for n in ("1e7", "1e300", "99999999", "9" * 300, "-1e9", "(-1e9)", "+1e9", "1e999")),
    *("9**9**9", "9**9**9**9", "2**2**2**2**2**2", "x**(10**10)", "x**exp(99)", "x**-exp(99)", "x**(1/0)"),
    *("x**(0/0)", "x**log(-1)", "x**[1, 1e9]", "x**sum([1e6, 1e6])", "(x**2)**1e8", "sin(x)**(e**99)"),
    *("x**(1e6 if 1 > 2 else 1e8)", "x**max(1, 1e7)", "x**([1, 2] + [1, 2, 3])"),
    "2**(" * 90 + "+".join(["1"] * 2000) + ")" * 90,
]  # fmt: skip

BUILTINS = [f"{name}(x)" for name in dir(builtins) if name.isidentifier() and name not in FUNCTIONS]
ATTRIBUTES = [f"x.{name}" for name in dir(object)]

HOSTILE = [*CODE, *LOOKALIKES, *SIZES, *EXPONENTS, *BUILTINS, *ATTRIBUTES]


def test_there_are_enough():
    assert len(set(HOSTILE)) > 400


@pytest.fixture
def called(monkeypatch):
    """Names of Python's functions that were called and should not be."""
    found = []

    def recorded(name, function):
        def call(*args, **kwargs):
            if not (name == "__import__" and args[0].startswith("numpy.")):  # NumPy's own, late
                found.append(name)
            return function(*args, **kwargs)

        return call

    for name in ("eval", "exec", "open", "__import__", "print", "input", "breakpoint"):
        monkeypatch.setattr(builtins, name, recorded(name, getattr(builtins, name)))
    return found


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_expression_is_refused(text, called):
    errors = []

    def refused():
        try:
            parse(text)
        except ExpressionError as error:
            errors.append(error)

    called.clear()  # of what pytest and its plugins import
    work = calls(refused)
    assert not called
    assert errors
    assert work <= MOST
    assert 1 <= errors[0].column <= 10_001 + len(text) * (len(text) < 100)
    assert len(str(errors[0])) < 1_000


@pytest.mark.parametrize(
    "text", ["x", "pi", "sin(x)", "x**2", "x**1000", "2**0.5", "((x))", "x**n", "[1, x]"]
)
def test_what_is_harmless_passes(text):
    assert parse(text).text == text


def test_exponents_in_exponents_are_evaluated_once():
    assert calls(lambda: parse("1**(" * 90 + "+".join(["1"] * 2000) + ")" * 90)) <= MOST


def test_no_function_of_the_table_reaches_python():
    assert not [name for name in [*FUNCTIONS, *CONSTANTS] if "_" in name]
