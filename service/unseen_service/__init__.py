"""The service: keeps hashes, answers platforms, proves what was done.

Floors, from the ground up: errors, models, chain, settings; store; live (index, keys, follower);
the flows (takedown, matching, oversight); api; app; __main__. An import never runs upward.
"""

__version__ = "0.1.0"
