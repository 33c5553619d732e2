"""Hand tracking (ADBench's HAND): points on a skinned mesh beside measured ones, and all derivatives.

A hand is a wrist, five fingers of four bones and a forearm. The mesh moves with its bones: each vertex with a mean, by
weights of its own, of where the bones' transforms would take it. The pose is 26 numbers: a rotation (axis times angle),
a translation, and for each finger a flexion and a spread of its second bone, and flexions of its third and fourth.

Of ADBench's three Euler angles of a bone, two are ever moved. The entries of its Jacobian are those of `columns` here,
in another order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from workloads.workload import Limit, Workload

import wengert as wg

FINGERS, BONES = 5, 4


class Model(NamedTuple):
    """A hand at rest; bones are in the order wrist, fingers, forearm.

    wrist, forearm : (4, 4), where they are;
    fingers : (5, 4, 4, 4), each bone as seen from the one before it;
    inverse : (22, 4, 4), of where each bone is at rest;
    vertices : (4, vertices), with a one below each;
    weights : (22, vertices).
    """

    wrist: np.ndarray
    forearm: np.ndarray
    fingers: np.ndarray
    inverse: np.ndarray
    vertices: np.ndarray
    weights: np.ndarray


def rotation(r):
    """Return the matrix that turns about an axis, by an angle that is the axis' length."""
    angle = np.sqrt(np.sum(r * r))
    x, y, z = r / angle
    s, c = np.sin(angle), np.cos(angle)
    turn = np.array(
        [
            [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
            [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
            [x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c],
        ],
        like=r,
    )
    return np.where(angle < 1e-4, np.eye(3), turn)


def bends(flexion, spread):
    """Return the matrices of rotations about x, then z."""
    cx, sx, cz, sz = np.cos(flexion), np.sin(flexion), np.cos(spread), np.sin(spread)
    no, one = np.zeros(flexion.shape), np.ones(flexion.shape)
    rows = [cz, -sz * cx, sz * sx, no, sz, cz * cx, -cz * sx, no, no, sx, cx, no, no, no, no, one]
    return np.reshape(np.stack(rows, axis=-1), (*flexion.shape, 4, 4))


def transforms(pose, model):
    """Return what the bones do to points of the hand at rest, as three rows of 22 times 4 numbers."""
    angles = np.reshape(pose[6:], (FINGERS, 4))
    spread = np.stack([angles[:, 1], np.zeros(FINGERS), np.zeros(FINGERS)], axis=1)
    relative = model.fingers[:, 1:] @ bends(angles[:, np.array([0, 2, 3])], spread)
    bones = [model.wrist @ model.fingers[:, 0]]
    for k in range(BONES - 1):
        bones.append(bones[-1] @ relative[:, k])
    fingers = np.reshape(np.stack(bones, axis=1), (FINGERS * BONES, 4, 4))
    bones = np.concatenate([model.wrist[None], fingers, model.forearm[None]])
    moved = (bones @ model.inverse)[:, :3]
    return np.reshape(np.swapaxes(moved, 0, 1), (3, -1))


def vertices(pose, model, seen):
    """Return where vertices are, as columns."""
    blended = model.weights[:, None, seen] * model.vertices[:, seen]
    skinned = transforms(pose, model) @ np.reshape(blended, (4 * len(model.weights), -1))
    return rotation(pose[:3]) @ skinned + pose[3:6, None]


def simple(pose, model, seen, points):
    """Return measured points less the vertices that they are said to be."""
    return points - vertices(pose, model, seen)


def complicated(pose, within, model, triangles, seen, points):
    """Return measured points less points within triangles; two barycentric coordinates say where."""
    mesh = vertices(pose, model, slice(None))
    a, b, c = (mesh[:, corner] for corner in triangles[seen].T)
    u, v = within.T
    return points - (u * a + v * b + (1 - u - v) * c)


# Derivatives ----------------------------------------------------------------------------------------------------------


def columns(pose, *rest, fun=simple):
    """Return the residuals, and their derivatives with respect to each number of the pose."""

    def along(direction):
        return wg.jvp(lambda p: fun(p, *rest), (pose,), (direction,))

    return wg.vmap(along, out_axes=(None, 0))(np.eye(len(pose)))


def all_columns(pose, within, *rest):
    """Return those with respect to the coordinates too: each moves its own point, so that two directions do."""

    def along(direction):
        return wg.jvp(
            lambda u: complicated(pose, u, *rest), (within,), (direction + np.zeros(within.shape),)
        )[1]

    return *columns(pose, within, *rest, fun=complicated), wg.vmap(along)(np.eye(2))


# Data -----------------------------------------------------------------------------------------------------------------


def _placed(random, *shape):
    """Return matrices of small rotations and shifts."""
    turns = bends(random.normal(size=shape) / 2, random.normal(size=shape) / 2)
    turns[..., :3, 3] = random.normal(size=(*shape, 3)) / 20
    return turns


def _model(random, size):
    wrist, forearm, fingers = _placed(random), _placed(random), _placed(random, FINGERS, BONES)
    bones = [wrist @ fingers[:, 0]]
    for k in range(1, BONES):
        bones.append(bones[-1] @ fingers[:, k])
    rest = np.concatenate([wrist[None], np.stack(bones, axis=1).reshape(-1, 4, 4), forearm[None]])
    # each vertex goes with one bone, and with another for a smaller part
    weights = np.zeros((len(rest), size))
    part = random.uniform(0, 0.5, size)
    weights[random.integers(0, len(rest), size), np.arange(size)] += 1 - part
    weights[random.integers(0, len(rest), size), np.arange(size)] += part
    mesh = np.concatenate([random.uniform(-1, 1, (3, size)), np.ones((1, size))])
    return Model(wrist, forearm, fingers, np.linalg.inv(rest), mesh, weights)


def _arguments(smoke, *, triangles):
    size, faces, count = (12, 20, 7) if smoke else (544, 1084, 192)
    random = np.random.default_rng(0)
    pose = random.normal(size=6 + 4 * FINGERS) / 2
    model = _model(random, size)
    points = random.uniform(-1, 1, (3, count))
    if not triangles:
        return pose, model, random.integers(0, size, count), points
    corners = np.argsort(random.uniform(size=(faces, size)), axis=1)[:, :3].copy()
    within = random.uniform(0, 0.5, (count, 2))
    return pose, within, model, corners, random.integers(0, faces, count), points


WORKLOADS = [
    Workload(
        "hand tracking, simple",
        simple,
        lambda smoke: _arguments(smoke, triangles=False),
        "hand",
        "simple",
        Limit(plus=360.0),
        sizes=lambda args: (args[1].weights.shape[1], len(args[2])),
        derivative=lambda fun, argnums: columns,
        rtol=1e-11,
    ),
    Workload(
        "hand tracking, complicated",
        complicated,
        lambda smoke: _arguments(smoke, triangles=True),
        "hand",
        "complicated",
        Limit(plus=390.0),
        sizes=lambda args: (args[2].weights.shape[1], len(args[4])),
        derivative=lambda fun, argnums: all_columns,
        rtol=1e-11,
    ),
]
