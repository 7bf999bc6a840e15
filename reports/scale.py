"""Round figures for the marks along an axis."""

import math


def marks(low: float, high: float, most: int = 6) -> list[float]:
    """Return up to about `most` round figures from low to high, both in one unit."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    pitch = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = math.ceil(low / pitch - 1e-9)
    last = math.floor(high / pitch + 1e-9)
    return [round(number * pitch, 10) for number in range(first, last + 1)]
