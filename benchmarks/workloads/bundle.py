"""Bundle adjustment (ADBench's BA): the entries of the Jacobian of all residuals, a block for each observation."""

from __future__ import annotations

import numpy as np
from workloads.workload import Limit, Workload

import wengert as wg


def residual(camera, point, weight, feature):
    """Return how far a point is seen from where it should be, in two coordinates.

    camera : rotation (3), centre (3), focal length, principal point (2), radial distortion (2)
    """
    r, centre, focal, principal, (k1, k2) = camera[:3], camera[3:6], camera[6], camera[7:9], camera[9:]
    d = point - centre
    square = np.sum(r * r)
    angle = np.sqrt(square)
    axis = r / angle
    c, s = np.cos(angle), np.sin(angle)
    turned = d * c + np.cross(axis, d) * s + axis * (np.sum(axis * d) * (1 - c))
    seen = np.where(square == 0, d + np.cross(r, d), turned)
    p = seen[:2] / seen[2]
    q = np.sum(p * p)
    return weight * (p * (1 + k1 * q + k2 * q * q) * focal + principal - feature)


def blocks(cameras, points, weights, observed, features):
    """Return the derivatives of each residual with respect to its camera, point and weight; and of 1 - weight^2.

    Two coordinates depend on fifteen numbers: reverse mode.
    """
    block = wg.jacrev(residual, (0, 1, 2))
    found = wg.vmap(block)(cameras[observed[:, 0]], points[observed[:, 1]], weights, features)
    return *found, -2 * weights


def residuals(cameras, points, weights, observed, features):
    """Return all residuals."""
    seen = wg.vmap(residual)(cameras[observed[:, 0]], points[observed[:, 1]], weights, features)
    return seen, 1 - weights**2


def _arguments(smoke):
    n, m, p = (2, 4, 10) if smoke else (49, 7776, 31843)
    random = np.random.default_rng(0)
    cameras = random.uniform(0.1, 0.4, (n, 11))
    points = random.uniform(2.0, 3.0, (m, 3))
    observed = np.stack([np.arange(p) % n, np.arange(p) % m], axis=1)
    return cameras, points, random.uniform(size=p), observed, random.uniform(size=(p, 2))


WORKLOADS = [
    Workload(
        "bundle adjustment, Jacobian",
        residuals,
        _arguments,
        "bundle",
        "bundle",
        Limit(2.0),
        sizes=lambda args: (len(args[2]),),
        derivative=lambda fun, argnums: blocks,
        rtol=1e-11,
    )
]
