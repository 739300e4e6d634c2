"""Text that others will read: on a page, in a terminal, in a log."""


def is_plain_line(text: str) -> bool:
    """Return whether every character is visible, or a space.

    Refused are controls (C0, DEL and C1), line and paragraph separators, what changes the direction
    of text or joins it invisibly, halves of surrogate pairs, and code points without a character.
    """
    return text.isprintable()
