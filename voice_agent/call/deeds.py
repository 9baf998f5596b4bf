"""What a call does once its last words were heard: hang up, transfer, call a person. And what becomes of it
when the caller interrupts."""

from __future__ import annotations

from collections.abc import Callable

from voice_agent.call import events
from voice_agent.call.ending import Deed
from voice_agent.call.escalation import EscalationGrounds, Escalations
from voice_agent.call.forwarding import ForwardDirectory, ForwardTarget
from voice_agent.call.log import CallLog
from voice_agent.call.ports import Line
from voice_agent.reasoning.effects import End, Escalate, Transfer
from voice_agent.reasoning.signals import NotReached, Signal, TransferWithdrawn


class Deeds:
    """Carries out deeds. ``post`` brings a signal to the reasoner; ``on_completed`` is told the completion
    reason of a call that ends by a deed."""

    def __init__(
        self,
        line: Line,
        log: CallLog,
        directory: ForwardDirectory,
        escalations: Escalations,
        post: Callable[[Signal], bool],
        on_completed: Callable[[str], None],
    ) -> None:
        self._line = line
        self._log = log
        self._directory = directory
        self._escalations = escalations
        self._post = post
        self._on_completed = on_completed

    async def carry_out(self, deed: Deed) -> None:
        """It is due: everything said before it was heard."""
        if isinstance(deed, Escalate):
            grounds = EscalationGrounds(
                deed.concept, deed.similarity, deed.operator_type, deed.regulatory_basis
            )
            self._escalations.request(
                deed.trigger, deed.reason, hard=deed.hard, promised=deed.promised, grounds=grounds
            )
        elif isinstance(deed, End):
            self._on_completed(deed.reason)
            await self._line.hang_up()
        else:
            await self._transfer(deed)

    def withdrawn(self, deed: Deed) -> None:
        """It was announced and will not be done."""
        if isinstance(deed, Transfer):
            target = self._directory.resolve(deed.target) or ForwardTarget("", deed.target)
            self._tell(target, "withdrawn")
            self._post(TransferWithdrawn())

    async def _transfer(self, deed: Transfer) -> None:
        target = self._directory.resolve(deed.target)
        if target is None:
            self._tell(ForwardTarget("", deed.target), "failed", "no number is known for it")
            self._post(NotReached("transfer"))
            return
        result = await self._line.transfer(target.number)
        if result.answered:
            self._tell(target, "forwarded")
            return
        self._tell(target, "failed", result.error)
        self._post(NotReached("transfer"))

    def _tell(self, target: ForwardTarget, result: str, error: str = "") -> None:
        self._log.emit(
            events.ForwardCallResolved(
                location_name=target.location_name,
                target_number=target.number,
                result=result,
                error=error,
                should_disconnect=self._directory.should_disconnect,
            )
        )
