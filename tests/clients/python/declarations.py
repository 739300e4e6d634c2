"""What a submission declares, and fingerprints to submit."""

from unseen import VIEWS, Fingerprint

TRUE = {"adult": True, "depicted": True, "without_consent": True}


def prints(*qualities: int) -> list[Fingerprint]:
    return [
        Fingerprint(f"{number:064x}", quality, view=view)
        for number, (quality, view) in enumerate(zip(qualities, VIEWS, strict=False))
    ]
