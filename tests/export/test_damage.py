"""Files that are damaged, or made to do harm, raise one clear error and run nothing."""

import copy
import json
import zipfile

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import PRIMITIVES
from wengert.errors import ArgumentError
from wengert.export.values import FUNCTIONS

X = np.array([0.5, 1.5, 2.5])


def program(x):
    return {"y": np.sum(x[1:] * np.array([2.0, 3.0])), "z": wg.scan(lambda c, v: (c * v, c), x[0], x)[0]}


@pytest.fixture
def path(tmp_path):
    wg.export.save(wg.trace(program)(X), tmp_path / "a.graph")
    return tmp_path / "a.graph"


def parts(path):
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(entries.pop("graph.json")), entries


def rewrite(path, header, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("graph.json", header if isinstance(header, str) else json.dumps(header))
        for name, data in entries.items():
            archive.writestr(name, data)


def refused(path, words=""):
    with pytest.raises(ArgumentError, match=words or None) as error:
        wg.export.load(path)
    assert error.value.why
    assert error.value.instead


@pytest.fixture(autouse=True)
def nothing_is_run(monkeypatch):
    """Make every primitive of the program fail when it is run while a file is read."""

    def load(path, original=wg.export.load):
        with monkeypatch.context() as patch:
            for name in ("getitem", "multiply", "sum", "scan"):
                patch.setitem(PRIMITIVES, name, PRIMITIVES[name].with_rules(eval=_run))
            return original(path)

    monkeypatch.setattr(wg.export, "load", load)


def _run(*_, **__):
    pytest.fail("an operation was run")


def test_the_file_as_it_is_can_be_read(path):
    assert wg.export.load(path).in_types[0].shape == (3,)


def test_a_file_that_is_cut_off(path):
    data = path.read_bytes()
    for n in range(0, len(data), max(len(data) // 40, 1)):
        path.write_bytes(data[:n])
        refused(path)


def test_a_file_with_a_byte_changed(path):
    data = path.read_bytes()
    graph = str(wg.export.load(path))
    rng = np.random.default_rng(0)
    for k in rng.integers(len(data), size=300).tolist():
        path.write_bytes(data[:k] + bytes([data[k] ^ 0x15]) + data[k + 1 :])
        try:
            found = wg.export.load(path)
        except ArgumentError:
            continue
        assert str(found) == graph, (
            f"byte {k} was changed unseen"
        )  # dates and attributes of the archive's entries


def leaves(form, place=()):
    """Every place in the header."""
    if isinstance(form, dict | list):
        items = form.items() if isinstance(form, dict) else enumerate(form)
        for key, value in items:
            yield (*place, key)
            yield from leaves(value, (*place, key))


HOSTILE = [None, -1, 10**9, "x", [], {}, True, 1.5, ["call", "numpy.load", ["tuple", "a.npy"], ["dict"], 0]]


@pytest.mark.parametrize("value", HOSTILE, ids=str)
def test_anything_in_the_place_of_anything(path, value):
    header, entries = parts(path)
    for place in leaves(header):
        changed = copy.deepcopy(header)
        inner = changed
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        rewrite(path, changed, entries)
        try:
            wg.export.load(path)
        except ArgumentError as error:
            assert error.why  # noqa: PT017 - most places refuse most values, names of places take any text


@pytest.mark.parametrize(
    "name", ["numpy.load", "numpy.fromfile", "numpy.save", "os.system", "builtins.eval", "numpy.f2py"]
)
def test_functions_that_are_not_allowed(path, name):
    assert name not in FUNCTIONS
    header, entries = parts(path)
    header["graphs"][-1]["nodes"][0]["parameters"]["index"] = ["numpy", name]
    rewrite(path, header, entries)
    refused(path, "is no numpy")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.update(version=99), "version 99"),
        (lambda h: h.update(format="other"), "header"),
        (lambda h: h["graphs"][-1]["nodes"][0].update(primitive="rm"), "no primitive 'rm'"),
        (lambda h: h["graphs"][-1]["nodes"][0].update(operands=[99]), "number of nothing"),
        (lambda h: h["graphs"][-1]["nodes"][0].update(operands=[-99]), "number of nothing"),
        (lambda h: h["graphs"][-1]["nodes"][0]["results"][0].__setitem__(0, "<f4"), "is not valid"),
        (lambda h: h["graphs"][-1]["nodes"][0]["results"][0].__setitem__(0, "O"), "no type of numbers"),
        (lambda h: h["graphs"][-1]["nodes"][0]["results"][0].__setitem__(1, [-3]), "is no shape"),
        (lambda h: h["arrays"][0].__setitem__(0, "O"), "no type of numbers"),
        (lambda h: h["arrays"][0].__setitem__(1, [1 << 40]), "has .* bytes"),
        (lambda h: h["graphs"].reverse(), "number of nothing"),
        (lambda h: h["graphs"].clear(), "IndexError"),
        (lambda h: h.pop("graphs"), "graphs are missing"),
        (lambda h: h["graphs"][-1].update(structures=[["tuple", 1], 0]), "structure"),
    ],
)
def test_a_header_that_lies(path, change, words):
    header, entries = parts(path)
    change(header)
    rewrite(path, header, entries)
    refused(path, words)


def test_a_graph_that_holds_itself(path):
    header, entries = parts(path)
    scans = [node for node in header["graphs"][-1]["nodes"] if node["primitive"] == "scan"]
    scans[0]["parameters"]["loop"][2]["body"] = ["graph", len(header["graphs"]) - 1]
    rewrite(path, header, entries)
    refused(path, "number of nothing")


def test_a_file_that_would_grow(path):
    header, entries = parts(path)
    rewrite(path, header, entries, zipfile.ZIP_DEFLATED)
    refused(path, "is compressed")


def test_a_header_that_is_deep(path):
    _, entries = parts(path)
    rewrite(path, "[" * 100_000, entries)
    refused(path)


def test_an_array_that_is_missing(path):
    header, _ = parts(path)
    rewrite(path, header, {})
    refused(path, "KeyError")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        wg.export.load(tmp_path / "nothing.graph")
