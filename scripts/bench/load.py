"""Many callers in real time: the pacer, the ramp and one measured window."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bench.caller import Caller, Seen
from bench.network import BenchNetwork, new_sid
from bench.servers import Cost, Meter
from bench.streams import NetworkStream
from bench.wire import WireSocket

SLOT_S = 0.002
SLOTS = 10
"""A frame is 20 ms: the callers are spread over ten slots, as they would be over a network."""

RAMP_PAUSE_S = 0.12

Connect = Callable[[Caller], Awaitable[object]]


class Pacer:
    """Steps every caller each 20 ms. ``lateness``: seconds by which a slot came late."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.lateness: list[float] = []

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        began, slot = loop.time(), 0
        while True:
            now = loop.time()
            for caller in self.callers[slot % SLOTS :: SLOTS]:
                caller.step(now)
            slot += 1
            ahead = began + slot * SLOT_S - loop.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
            else:
                self.lateness.append(-ahead)
                await asyncio.sleep(0)


@dataclass
class Window:
    """What was measured with ``calls`` calls at once."""

    calls: int
    seen: Seen
    before: Cost
    after: Cost
    generator_cpu_percent: float
    generator_late_max_s: float
    greetings: list[float] = field(default_factory=list)

    @property
    def cpu_percent(self) -> float:
        """Of one core, for all calls."""
        return self.after.cpu_percent_since(self.before)


class Load:
    """Callers on one server, added step by step."""

    def __init__(self, question: Sequence[bytes], connect: Connect, *, interrupts_every: int = 2) -> None:
        """``connect`` gives a caller its streams."""
        self._question = question
        self._connect = connect
        self._interrupts_every = interrupts_every
        self._pacer = Pacer()
        self._pacing: asyncio.Task[None] | None = None
        self.seen = Seen()

    async def grow_to(self, calls: int) -> None:
        """Add callers until there are ``calls``."""
        if self._pacing is None:
            self._pacing = asyncio.create_task(self._pacer.run())
        while len(self._pacer.callers) < calls:
            index = len(self._pacer.callers)
            caller = Caller(self._question, self.seen, index=index, interrupts_every=self._interrupts_every)
            await self._connect(caller)
            self._pacer.callers.append(caller)
            await asyncio.sleep(RAMP_PAUSE_S)

    async def measure(self, meter: Meter, warm_s: float, seconds: float) -> Window:
        """Let it settle, then look for a while. The greetings are those since the last window."""
        await asyncio.sleep(warm_s)
        greetings = list(self.seen.greetings)
        self.seen.reset()
        self._pacer.lateness.clear()
        before, cpu = meter.look(), time.process_time()
        await asyncio.sleep(seconds)
        used = time.process_time() - cpu
        late = max(self._pacer.lateness, default=0.0)
        window = Window(
            len(self._pacer.callers), self.seen, before, meter.look(), 100 * used / seconds, late, greetings
        )
        self.seen = self._renewed()
        return window

    async def stop(self) -> None:
        """No more frames."""
        if self._pacing is not None:
            self._pacing.cancel()
            await asyncio.gather(self._pacing, return_exceptions=True)

    def _renewed(self) -> Seen:
        seen = Seen()
        for caller in self._pacer.callers:
            caller.seen = seen
        return seen


def to_practice(network: BenchNetwork) -> Connect:
    """Rings our server."""
    return network.ring


def to_peer(port: int) -> Connect:
    """Opens the peer's single socket: ear and mouth at once, and nobody greets."""

    async def connect(caller: Caller) -> None:
        loop = asyncio.get_running_loop()
        socket = WireSocket(lambda payload: caller.on_mouth(payload, loop.time()), lambda: None)
        await socket.open("127.0.0.1", port, "/ws", {})
        stream = NetworkStream(socket, new_sid("MZ"))
        stream.begin("AC0", new_sid("CA"), {})
        caller.ear = caller.mouth = stream
        caller.goes_first(loop.time())

    return connect
