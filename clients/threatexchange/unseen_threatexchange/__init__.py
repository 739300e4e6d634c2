"""Unseen as an exchange of the threatexchange library, for its command line, HMA and Coop.

The library's own StopNCII exchange can subscribe too, but treats withdrawn hashes as active ones.
This one deletes them, confirms that to the service, and sends feedback.
"""

from threatexchange.extensions.manifest import ThreatExchangeExtensionManifest

from .exchange import UnseenCheckpoint, UnseenCredentials, UnseenSignalExchangeAPI

__version__ = "0.2.0"

TX_MANIFEST = ThreatExchangeExtensionManifest(apis=(UnseenSignalExchangeAPI,))
"""The manifest that `threatexchange config extensions add unseen_threatexchange` loads."""

__all__ = ["TX_MANIFEST", "UnseenCheckpoint", "UnseenCredentials", "UnseenSignalExchangeAPI"]
