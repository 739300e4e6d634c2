"""PINs that a device would not draw: someone typed them, and someone else would guess them.

Each rule applies to fewer than one in ten million of the PINs that a device draws at random.
"""

from itertools import pairwise

from ..credentials import ALPHABET

_FEWEST_CHARACTERS = 4
"""Different ones. Of 12 random characters, fewer are different in 2 of 10^9 PINs."""
_EQUAL_STEPS = 8
"""Of the 11 steps from one character to the next. In 5 of 10^9 PINs."""


def is_guessable(pin: str) -> bool:
    """Return whether a PIN, as `read_pin` returned it, repeats itself or counts up or down."""
    return len(set(pin)) < _FEWEST_CHARACTERS or _is_periodic(pin) or _is_sequence(pin)


def _is_periodic(pin: str) -> bool:
    """Return whether it is one block of up to half its length, repeated: 7K4M7K4M7K4M."""
    return any(
        pin == pin[:length] * (len(pin) // length)
        for length in range(1, len(pin) // 2 + 1)
        if len(pin) % length == 0
    )


def _is_sequence(pin: str) -> bool:
    places = [ALPHABET.index(each) for each in pin]
    steps = [(b - a) % len(ALPHABET) for a, b in pairwise(places)]
    return max(map(steps.count, steps)) >= _EQUAL_STEPS
