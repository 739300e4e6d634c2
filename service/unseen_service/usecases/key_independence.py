"""Who is surely someone else: the approver of a key, the second person of a removal.

A person is a key family. The service cannot know who holds a key, but it knows who brought it
about, and whether anyone else knows its secret:

- *Ancestors* of a person issued or approved their keys, or those of an ancestor. Whoever brought a
  person about might be that person, so nobody approves what an ancestor of theirs issued. The other
  way round is allowed, or the first two admins could approve no key of anyone they appointed. Of
  the two persons of a removal, neither is an ancestor of the other.
- A person is *in the hands* of themselves, and of whoever knows the secret of a key of theirs: the
  issuer of a key that the service generated, as all were before version 0.2.
- All persons of one platform count as one: the audit log names both alike.

What a person began ends with their keys: nobody completes a proposal of someone who is no longer an
admin, or approves a key that was issued by someone whose keys were all revoked since.

The command line is nobody: its users' names are taken on trust, and whoever reaches the database
can call themselves several. It acts for the holder of an admin's key, or not at all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from ..models.audit import Staff
from ..models.keys import Key, KeyStatus, Scope
from ..models.review import Proposal
from .actors import OPERATOR, is_key_person, key_person

Step: TypeAlias = Callable[[str], set[str]]
"""From a person to those that they lead to."""

_SAME_HOLDER = "You hold it yourself, so someone else has to approve it."
_ISSUER = "You issued it, or someone of the same platform did, so someone else has to approve it."
_ISSUER_KNOWS_IT = (
    "The person who issued it knows its secret. Revoke it, and let its holder make another with "
    "'unseen key new'."
)
_ISSUER_REVOKED = (
    "The keys of the person who issued it were revoked since. Revoke it, and issue another."
)
_DESCENDANT = (
    "Your own key was issued or approved by the person who issued this one, or by someone that "
    "they brought in: an admin who was not has to approve it."
)
_SHARED_HANDS = (
    "Someone else may know the secret of your key, or of the issuer's: the service generated it "
    "and showed it to its issuer. Both of you, make a new one with 'unseen key rotate' first."
)
_SAME_PLATFORM = "You belong to the same platform as the person who proposed it."
_RELATED = "One of you two issued or approved a key of the other, or of someone who did."
_KNOWN_TO_OTHERS = (
    "Someone else may know the secrets of both your keys: the service generated them and showed "
    "them to their issuer. Make new ones with 'unseen key rotate', and propose it again."
)


def approval_obstacle(new: Key, by: Staff, everyone: Sequence[Key]) -> str | None:
    """Return why a person may not approve a key; None if they may. `everyone` is all keys."""
    known = _Persons(everyone)
    approver, issuer = by.person, new.issued_by
    if known.is_revoked(issuer):
        return _ISSUER_REVOKED
    if not new.made_by_holder:
        return _ISSUER_KNOWS_IT
    if approver == key_person(new) or new.platform_id in known.platforms([approver]):
        return _SAME_HOLDER
    issuers = {issuer, *known.of_platforms(known.platforms([issuer]))}
    if approver in issuers:
        return _ISSUER
    if not issuers.isdisjoint(known.ancestors(approver)):
        return _DESCENDANT
    hands = known.hands([approver], new.created_at)
    return None if hands.isdisjoint(known.hands(issuers, new.created_at)) else _SHARED_HANDS


def removal_obstacle(first: Proposal, second: Staff, everyone: Sequence[Key]) -> str | None:
    """Return why one person may hold the keys of both; None if two surely do.

    `first` proposed a removal, and `second` confirms it. `everyone` is all keys.
    """
    known = _Persons(everyone)
    persons = first.person, second.person
    shared = known.platforms([first.person]) & known.platforms([second.person])
    if shared or first.by == second.actor:
        return _SAME_PLATFORM
    if any(one in known.ancestors(other) for one, other in (persons, persons[::-1])):
        return _RELATED
    hands = known.hands([first.person], first.at)
    return None if hands.isdisjoint(known.hands([second.person], first.at)) else _KNOWN_TO_OTHERS


def is_admin(person: str, everyone: Sequence[Key], now: datetime) -> bool:
    """Return whether a person has an admin's key that is in force. `everyone` is all keys."""
    return any(
        Scope.ADMIN in key.scopes and key.status(now) is KeyStatus.IN_FORCE
        for key in everyone
        if key_person(key) == person
    )


class _Persons:
    """What is known of persons by all keys that were ever issued."""

    def __init__(self, everyone: Iterable[Key]) -> None:
        self._keys: dict[str, list[Key]] = defaultdict(list)
        for key in everyone:
            self._keys[key_person(key)].append(key)

    def platforms(self, persons: Iterable[str]) -> set[int]:
        """Return the platforms that persons belong to."""
        return {key.platform_id for person in persons for key in self._keys.get(person, ())}

    def of_platforms(self, platforms: set[int]) -> set[str]:
        """Return everyone who has a key of one of these platforms."""
        return {
            person
            for person, keys in self._keys.items()
            if any(key.platform_id in platforms for key in keys)
        }

    def is_revoked(self, person: str) -> bool:
        """Return whether a person had keys, and all were revoked."""
        keys = self._keys.get(person, [])
        return bool(keys) and all(key.revoked_at is not None for key in keys)

    def ancestors(self, person: str) -> set[str]:
        """Return everyone who issued or approved a key of this person, or of an ancestor."""
        return _reach([person], self._vouched_for) - {person}

    def hands(self, persons: Iterable[str], since: datetime) -> set[str]:
        """Return everyone who may have acted as one of these persons at a time or later."""
        return _reach(persons, lambda person: self._knowing(person, since))

    def _vouched_for(self, person: str) -> set[str]:
        approved = [key for key in self._keys.get(person, ()) if key.approved_at is not None]
        named = {key.issued_by for key in approved} | {key.approved_by or "" for key in approved}
        return {each for each in named if is_key_person(each)}

    def _knowing(self, person: str, since: datetime) -> set[str]:
        return {
            key.issued_by if is_key_person(key.issued_by) else OPERATOR.person
            for key in self._keys.get(person, ())
            if Scope.ADMIN in key.scopes
            and key.approved_at is not None
            and not (key.made_by_holder or _ended_before(key, since))
        }


def _ended_before(key: Key, moment: datetime) -> bool:
    return any(end is not None and end <= moment for end in (key.revoked_at, key.expires_at))


def _reach(start: Iterable[str], step: Step) -> set[str]:
    """Return the persons at the start and everyone that steps from there lead to."""
    seen: set[str] = set()
    ahead = list(start)
    while ahead:
        person = ahead.pop()
        if person not in seen:
            seen.add(person)
            ahead.extend(step(person))
    return seen
