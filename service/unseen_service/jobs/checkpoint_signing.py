"""Signs the audit log on a timer, and hands checkpoints to the witnesses.

Every minute each worker signs for its own host's file, which nobody else sees. Once per interval
one worker of all signs for others: on a timer and never on a write, so that the log's size does
not tell when people submit. A witness that could not be reached is tried again every minute.
"""

import logging
from collections.abc import Sequence

from .. import metrics
from ..errors import OperatorError
from ..models.checkpoints import PublishedCheckpoint, Witness
from ..settings import Settings
from ..store import Store
from ..store import checkpoints as stored
from ..usecases import baseline
from ..usecases.checkpoints import Checkpoints, published
from ..usecases.witnesses import read_witnesses
from .witness_delivery import WitnessRefused, deliver

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
"""How often to sign for this host, and to check what is due for others."""

_DELIVERING = 0x756E73657764


class CheckpointSigning:
    """Signs the log and hands out checkpoints as long as the worker lives."""

    def __init__(self, store: Store, checkpoints: Checkpoints, settings: Settings) -> None:
        self._store = store
        self._checkpoints = checkpoints
        self._every_s = 60.0 * settings.checkpoint_every_minutes
        self._witnesses = read_witnesses(settings.witnesses_file)
        self._reported = ""

    async def turn(self) -> None:
        """Do what is due. Raises StoreUnavailable."""
        await baseline.vouch(self._store)
        try:
            await self._checkpoints.keep()
            newest = await self._checkpoints.publish_if_due(self._every_s)
        except OperatorError as error:
            self._report(str(error))
            newest = await published(self._store)
        else:
            self._report("")
        if newest and newest.size and self._witnesses:
            await self._hand_out(newest)
        await self._measure(newest)

    def _report(self, failure: str) -> None:
        """Log why the log cannot be signed, once."""
        metrics.AUDIT_NOT_SIGNED.set(1 if failure else 0)
        if failure and failure != self._reported:
            logger.error("the audit log cannot be signed: %s", failure)
        self._reported = failure

    async def _hand_out(self, newest: PublishedCheckpoint) -> None:
        names = [each.name for each in self._witnesses]
        async with self._store.exclusive(_DELIVERING) as is_exclusive:
            if not is_exclusive:
                return
            async with self._store.transaction() as tx:
                await stored.add_witnesses(tx, names)
                states = {each.name: each for each in await stored.witnesses(tx, names)}
            for witness in self._witnesses:
                state = states[witness.name]
                if not state.is_up_to_date or state.silent_s > newest.age_s:
                    await self._deliver(witness, newest, state.size)

    async def _deliver(self, witness: Witness, newest: PublishedCheckpoint, known: int) -> None:
        try:
            line = await deliver(self._store, witness, newest, known)
        except WitnessRefused as refused:
            logger.warning("the witness %s has no checkpoint: %s", witness.name, refused)
            async with self._store.transaction() as tx:
                await stored.record_failure(tx, witness.name, str(refused))
            return
        async with self._store.transaction() as tx:
            await stored.record_success(tx, witness.name, newest.size)
            if line:
                await stored.cosign(tx, newest.size, witness.name, line)

    async def _measure(self, newest: PublishedCheckpoint | None) -> None:
        if newest:
            metrics.CHECKPOINT_AGE.set(newest.age_s)
        metrics.WITNESS_SILENT.set(await self._longest_silence(self._witnesses))

    async def _longest_silence(self, witnesses: Sequence[Witness]) -> float:
        """Return the seconds since the most silent witness had a checkpoint; 0: no witness."""
        async with self._store.transaction() as tx:
            states = await stored.witnesses(tx, [each.name for each in witnesses])
        return max((each.silent_s for each in states), default=0.0)
