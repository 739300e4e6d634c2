"""What is asked of a submission before it is taken: hashes that are of a picture, and some work.

No SQL and no HTTP here; docs/intake.md has the rules, the figures and the protocol.
"""

from .patterns import drawn_hashes, faults, margins
from .work import Challenges, Price

__all__ = ["Challenges", "Price", "drawn_hashes", "faults", "margins"]
