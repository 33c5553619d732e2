"""Expressions from text: what they compute, and that nothing else gets through."""

import operator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wengert.errors import WengertError
from wengert.explain.expression import CONSTANTS, FUNCTIONS, MAX_DEPTH, MAX_LENGTH, ExpressionError, parse


def value(text, **variables):
    with np.errstate(all="ignore"):
        return parse(text, tuple(variables))(*variables.values())


# Values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3 * 4", 14.0),
        ("-2**2", -4.0),
        ("2**3**2", 512.0),
        ("(-8) // 3", -3.0),
        ("-7 % 3", 2.0),
        ("8 - 4 - 2", 2.0),
        ("16 / 4 / 2", 2.0),
        ("2 ** -1", 0.5),
        ("+3", 3.0),
        ("1e-3 + .5 + 2.", 2.501),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("1 == 1 and 2 != 3", True),
        ("not 1 < 2 or 3 >= 3", True),
        ("1 if 2 > 3 else 4", 4.0),
        ("max(2, 3) + min(2, 3)", 5.0),
        ("sin(pi/2) + log(e)", 2.0),
        ("atan2(1, 1)", np.pi / 4),
        ("sum([1, 2, 3]) * prod([1, 2, 3])", 36.0),
        ("dot([1, 2], [3, 4])", 11.0),
        ("mean([1, 2, 6])", 3.0),
        ("where(1 > 2, 5, 6)", 6.0),
        ("sigmoid(0) + erf(0) + erfc(0)", 1.5),
        (" 1\n+ 2 ", 3.0),
    ],
)
def test_values(text, expected):
    assert value(text) == expected


def test_arithmetic_is_that_of_numpy():
    assert value("1/0") == np.inf
    assert np.isnan(value("0/0"))
    assert value("9e99**9") == np.inf
    assert np.isnan(value("(-1)**0.5"))


def test_arrays_broadcast():
    x = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(value("x*y + 1", x=x, y=2.0), 2 * x + 1)
    assert np.array_equal(value("x if x > 1 else -x", x=x), [-1.0, 2.0, 3.0])
    assert np.array_equal(value("[[1, 2], [3, y]]", y=4.0), [[1.0, 2.0], [3.0, 4.0]])


def test_only_the_chosen_branch_is_evaluated():
    with np.errstate(all="raise"):
        assert parse("log(x) if x > 0 else 0")(-1.0) == 0.0


def test_names_are_in_the_order_of_first_use():
    assert parse("b*(a + c)**a + pi").names == ("b", "a", "c")
    assert parse("x", ("y", "x")).names == ("y", "x")
    with pytest.raises(TypeError, match="takes 2 values"):
        parse("x + y")(1.0)


def test_long_sums_are_not_deep():
    n = 500
    assert value("+".join(["x"] * n), x=1.0) == n
    assert value("-".join(["x"] * n), x=1.0) == 2 - n


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_called_with_its_arguments(name):
    function, arity = FUNCTIONS[name]
    if name == "where":
        arguments = [np.array([True, False]), np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    else:
        arguments = [np.array([0.3, 0.7])] * arity
    names = "abcd"[:arity]
    with np.errstate(all="ignore"):
        found = parse(f"{name}({','.join(names)})", tuple(names))(*arguments)
        assert np.array_equal(found, function(*arguments), equal_nan=True)


# Generated expressions agree with NumPy -----------------------------------------------------------------------------

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
NUMBERS = st.floats(0, 1e6).map(np.float64)


@st.composite
def terms(draw, depth=4):
    """Draw an expression with what NumPy makes of it."""
    kind = draw(st.integers(0, 4 if depth else 0))
    with np.errstate(all="ignore"):
        if kind == 0:
            number = draw(NUMBERS)
            return repr(float(number)), number
        if kind == 1:
            text, x = draw(terms(depth=depth - 1))
            return f"(-{text})", -x
        if kind == 2:
            name = draw(st.sampled_from(["sin", "exp", "tanh", "log", "sqrt", "abs"]))
            text, x = draw(terms(depth=depth - 1))
            return f"{name}({text})", FUNCTIONS[name][0](x)
        symbol = draw(st.sampled_from(list(BINARY)))
        (left, a), (right, b) = draw(terms(depth=depth - 1)), draw(terms(depth=depth - 1))
        if symbol == "**":
            right, b = "0.5", np.float64(0.5)
        return f"({left} {symbol} {right})", BINARY[symbol](a, b)


@given(terms())
def test_generated_expressions_agree_with_numpy(term):
    text, expected = term
    assert np.array_equal(value(text), expected, equal_nan=True)


# Refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("", 1, "empty"),
        ("x.real", 1, "attribute"),
        ("x[0]", 1, "index"),
        ("__import__('os')", 12, "character"),
        ("(lambda: 1)()", 8, "character"),
        ("a := 3", 3, "character"),
        ("[i for i in x]", 1, "not allowed"),
        ("sin(x)(x)", 1, "called"),
        ("2x", 2, "runs into"),
        ("3 + 12e5y", 9, "runs into"),
        ("0x10", 2, "runs into"),
        ("1_000", 2, "runs into"),
        ("3j", 2, "runs into"),
        ("x^2", 2, "character"),
        ("x & y", 3, "character"),
        ("sn(x)", 1, "no function 'sn'"),
        ("1 + sin", 5, "is a function"),
        ("sin(x, y)", 1, "one argument"),
        ("hypot(x)", 1, "2 arguments"),
        ("sin(x=1)", 1, "by position"),
        ("sin(*x)", 1, "by position"),
        ("[*x]", 2, "star"),
        ("[]", 1, "empty list"),
        ("(1, 2)", 1, "tuple"),
        ("True", 1, "constant"),
        ("None + 1", 1, "constant"),
        ("...", 1, "constant"),
        ("x is y", 1, "comparison"),
        ("x in y", 1, "comparison"),
        ("x @ y", 3, "character"),
        ("(x", 1, "never closed"),
        ("x = 3", 3, "not an expression"),
        ("yield", 1, "not an expression"),
        ("1e999", 1, "too large"),
        ("9" * 400, 1, "too large"),
        ("9" * 5000, 1, "not an expression"),
        ("x**1e7", 4, "exponent is too large"),
        ("9**9**9", 4, "exponent is too large"),
        ("x**-9999999", 4, "exponent is too large"),
        ("x**(1/0)", 5, "exponent is too large"),
        ("x**[1, 2e9]", 4, "exponent is too large"),
        ("x\x00", 2, "character"),
        ("é + 1", 1, "character"),
        ("x; y", 2, "character"),
    ],
)
def test_refusals_point_at_the_place(text, column, what):
    with pytest.raises(ExpressionError, match=what) as caught:
        parse(text)
    assert caught.value.column == column
    assert isinstance(caught.value, WengertError)
    assert isinstance(caught.value, ValueError)


def test_the_caret_stands_below_the_place():
    with pytest.raises(ExpressionError) as caught:
        parse("log(x1) + sn(x2)")
    lines = str(caught.value).splitlines()
    at = next(i for i, line in enumerate(lines) if "sn(x2)" in line and "where" not in line)
    assert lines[at + 1].index("^") == lines[at].index("sn")
    assert "sin, perhaps" in lines[-1]


def test_unknown_variables_are_named():
    with pytest.raises(ExpressionError, match="'x3' has no value") as caught:
        parse("x1 + x3", ("x1", "x2"))
    assert caught.value.column == 6


@pytest.mark.parametrize(
    "text",
    [
        "x+" * MAX_LENGTH + "x",
        "(" * 300 + "x" + ")" * 300,
        "-" * 9000 + "x",
        "x" + "**x" * 3000,
        "sin(" * 150 + "x" + ")" * 150,
        "not " * 2400 + "x",
        "x if x else " * 800 + "x",
        "[" * 150 + "x" + "]" * 150,
        "x+" * 4999 + "x",
        "x,",
        "-" * (MAX_DEPTH + 1) + "x",
    ],
)
def test_size_and_depth_are_bounded(text):
    with pytest.raises(ExpressionError):
        parse(text)


def test_the_depth_that_is_allowed_can_be_evaluated():
    depth = MAX_DEPTH - 1
    assert value("-" * depth + "x", x=1.0) == (-1.0) ** depth
    nested = "sin(" * 90 + "x" + ")" * 90
    assert np.isfinite(value(nested, x=1.0))


ALPHABET = "x1e.+-*/%<>=!()[], sincoiflenotr_"


@given(st.one_of(st.text(max_size=60), st.text(alphabet=ALPHABET, max_size=40), terms().map(lambda t: t[0])))
@example("\udc80")
@example("x\u2028y")
@example("1if 1else 2")
@example("0if 1 else 2")
def test_any_text_parses_or_raises_expression_error(text):
    try:
        expression = parse(text)
    except ExpressionError as error:
        assert 1 <= error.column <= max(len(text), MAX_LENGTH) + 1  # noqa: PT017
        return
    with np.errstate(all="ignore"):
        try:
            expression(*[1.5 for _ in expression.names])
        except ValueError:
            assert "[" in text  # lists of different shapes; everything else has a value


@given(st.data())
def test_mutilated_expressions_parse_or_raise_expression_error(data):
    text = "log(x1) + x1*x2 - sin(x2) if x1 > [1, 2.5e3] else -x1**2"
    i = data.draw(st.integers(0, len(text) - 1))
    j = data.draw(st.integers(i, len(text)))
    piece = data.draw(st.text(alphabet=ALPHABET, max_size=5))
    try:
        parse(text[:i] + piece + text[j:])
    except ExpressionError as error:
        assert error.column >= 1  # noqa: PT017


def test_constants_are_those_of_mathematics():
    assert pytest.approx({"pi": np.pi, "e": np.e}, abs=0) == CONSTANTS
