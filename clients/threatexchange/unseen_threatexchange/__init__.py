"""Unseen as an exchange of the threatexchange library, for its command line, HMA and Coop.

The library's own StopNCII exchange can subscribe too, but takes withdrawn hashes for live ones.
This one lets go of them, says so to the service, and sends feedback.
"""

from threatexchange.extensions.manifest import ThreatExchangeExtensionManifest

from .exchange import UnseenCheckpoint, UnseenCredentials, UnseenSignalExchangeAPI

__version__ = "0.1.0"

TX_MANIFEST = ThreatExchangeExtensionManifest(apis=(UnseenSignalExchangeAPI,))
"""What `threatexchange config extensions add unseen_threatexchange` looks for."""

__all__ = ["TX_MANIFEST", "UnseenCheckpoint", "UnseenCredentials", "UnseenSignalExchangeAPI"]
