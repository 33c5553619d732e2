"""The windows of a convolution: which there are, and where entries of the kernel meet the image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from wengert.ops.convolution import Ints, Pads

__all__ = ["Geometry", "Tap", "geometry"]


class Tap(NamedTuple):
    """Where an entry of the kernel meets the image: in windows start, ..., start + shape - 1 along each axis.

    The window `start + p` has the entry of the image at ``origin + stride * p`` there.

    Attributes
    ----------
    number, place : int, tuple of int
        Which entry it is.
    """

    number: int
    place: Ints
    start: Ints
    shape: Ints
    origin: Ints


class Geometry(NamedTuple):
    """Which windows there are. Channels, in and out, are those of a group."""

    examples: int
    groups: int
    channels: int
    outputs: int
    spatial: Ints
    out: Ints
    kernel: Ints
    stride: Ints
    padding: Pads
    dilation: Ints

    @property
    def points(self) -> int:
        """How many windows an image has."""
        return math.prod(self.out)

    @property
    def depth(self) -> int:
        """How many entries a window has, in all channels of a group."""
        return self.channels * math.prod(self.kernel)

    @property
    def is_plain(self) -> bool:
        """Whether the windows are the entries of the image."""
        return math.prod(self.kernel) == 1 and self.spatial == self.out and set(self.stride) == {1}

    @property
    def leaves_margins(self) -> bool:
        """Whether some windows reach over the edge."""
        return any(tap.shape != self.out for tap in self.taps())

    def taps(self) -> Iterator[Tap]:
        """Yield the entries of the kernel."""
        for number, place in enumerate(itertools.product(*map(range, self.kernel))):
            start, stop, origin = [], [], []
            for k, m, n, s, (low, _), d in zip(
                place, self.spatial, self.out, self.stride, self.padding, self.dilation, strict=True
            ):
                ahead = low - d * k  # entry 0 of the image lies so far behind that of window 0
                first = max(0, -(-ahead // s))
                start.append(first)
                stop.append(max(first, min(n, (m - 1 + ahead) // s + 1)))
                origin.append(s * first - ahead)
            shape = tuple([b - a for a, b in zip(start, stop, strict=True)])
            yield Tap(number, place, tuple(start), shape, tuple(origin))


def geometry(x: Ints, weights: Ints, out: Ints, groups: int, **rest: Any) -> Geometry:
    """Return the windows of a convolution from the shapes of image, weights and result, and its parameters."""
    n, channels, *spatial = x
    o, _, *kernel = weights
    sizes = n, groups, channels // groups, o // groups
    return Geometry(
        *sizes, tuple(spatial), out[2:], tuple(kernel), rest["stride"], rest["padding"], rest["dilation"]
    )
