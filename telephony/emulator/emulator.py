"""The emulator as one object: start it, point an application at it, place calls, look at what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .callbacks import CallbackDispatcher
from .clock import Clock, VirtualClock, WallClock
from .config import EmulatorConfig
from .errors import EmulatorError
from .events import EventLog, Violation
from .exchange import Exchange
from .faults import Faults
from .g711 import Pcm
from .messages import Messages
from .phones import Phone, PhoneBehaviour, PhoneCall
from .rest import RestApi, RestReply, RestRequest
from .rest_routes import all_routes
from .server import HttpServer
from .services import Services, Tasks
from .transport import NetworkTransport, Transport
from .webhook import WebhookClient

ANONYMOUS_CALLER = "+12025550199"


class ContractViolated(EmulatorError, AssertionError):
    """The application broke the contract; the message lists every violation."""


class Emulator:
    """A local Twilio account.

    Args:
        config: the account, its numbers and limits.
        clock: real time unless given.
        transport: real HTTP and WebSockets unless given; virtual time needs an in-process one.

    With a virtual clock nothing listens: use `rest` instead of the REST port.
    """

    def __init__(
        self, config: EmulatorConfig, clock: Clock | None = None, transport: Transport | None = None
    ) -> None:
        self.config = config
        self.clock = clock or WallClock()
        if isinstance(self.clock, VirtualClock) and transport is None:
            raise EmulatorError("virtual time needs an InProcessTransport: sockets live in real time")
        self.log = EventLog(self.clock, strict=config.strict)
        self.faults = Faults(self.log)
        self._transport = transport
        self._exchange: Exchange | None = None
        self._server: HttpServer | None = None
        self._rest: RestApi | None = None
        self._messages: Messages | None = None

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to tick and, in real time, to listen on `config.host`:`config.port`."""
        transport = self._transport or NetworkTransport()
        webhooks = WebhookClient(
            self.config.account_sid,
            self.config.auth_token,
            self.clock,
            transport,
            self.log,
            self.faults,
            self.config.switches,
        )
        services = Services(
            self.config,
            self.clock,
            self.log,
            self.faults,
            transport,
            webhooks,
            CallbackDispatcher(self.clock, webhooks, self.log, self.faults),
            Tasks(self.log),
            lambda: self.base_url,
        )
        self._exchange = Exchange(services)
        self._messages = Messages(self._exchange)
        self._rest = RestApi(self._exchange, all_routes(self._exchange, self._messages))
        self.faults.watch_for_hang_ups(self._exchange.hang_up_where)
        if not isinstance(self.clock, VirtualClock):
            self._server = HttpServer(self)
            await self._server.start(self.config.host, self.config.port)
        services.tasks.start(self._exchange.run(), "20 ms tick")

    async def stop(self) -> None:
        """End all calls without further callbacks, and release the port."""
        if self._exchange is None:
            return
        services = self._exchange.services
        if self._server is not None:
            await self._server.stop()
        await services.tasks.close()
        await services.callbacks.close()
        await services.transport.close()
        self._exchange = None

    async def __aenter__(self) -> Emulator:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- addresses -------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """`http://host:port`: what an SDK's `client.api.base_url` is set to."""
        return self._server.base_url if self._server else "http://emulator.invalid"

    @property
    def exchange(self) -> Exchange:
        """The network itself, for tests that look inside. Raises EmulatorError before `start`."""
        if self._exchange is None:
            raise EmulatorError("the emulator is not running; await start() first")
        return self._exchange

    @property
    def messages(self) -> Messages:
        """Text messages: what was sent, and a way to send one to the application."""
        if self._messages is None:
            raise EmulatorError("the emulator is not running; await start() first")
        return self._messages

    def rest(self, request: RestRequest) -> RestReply:
        """Answer a REST request without HTTP."""
        if self._rest is None:
            raise EmulatorError("the emulator is not running; await start() first")
        return self._rest.handle(request)

    # --- telephones ------------------------------------------------------------------------------

    async def place_call(
        self,
        to: str = "",
        from_: str = ANONYMOUS_CALLER,
        *,
        audio: Pcm | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> PhoneCall:
        """Call one of the account's numbers (or `app:AP…` as a client) from a telephone.

        Args:
            to: E.164 number of the account, its first one when empty; or `app:` and an application SID.
            from_: E.164, `anonymous`, or `client:identity`.
            audio: int16 at 8 kHz, said as soon as the call is answered.
            parameters: further form fields of the voice webhook, as an SDK client sends them.

        Raises:
            UnknownNumber: the account has no such number or application.
        """
        call = self.exchange.phone_call()
        number = to or next(iter(self.exchange.account.numbers))
        self.exchange.place_inbound(call, number, from_, tuple((parameters or {}).items()))
        if audio is not None:
            call.play(audio)
        return call

    def register_phone(self, address: str, behaviour: PhoneBehaviour | None = None) -> Phone:
        """Connect a phone that can be called: an E.164 number or a `client:` identity."""
        return self.exchange.directory.register(address, behaviour or PhoneBehaviour())

    # --- what happened ---------------------------------------------------------------------------

    @property
    def violations(self) -> Sequence[Violation]:
        """What the application did wrong so far."""
        return tuple(self.log.violations)

    def assert_no_violations(self) -> None:
        """Raise ContractViolated unless the application kept to the contract."""
        if self.log.violations:
            lines = [f"{v.code} {v.message} ({v.call_sid or 'no call'})" for v in self.log.violations]
            raise ContractViolated(f"{len(lines)} violations:\n" + "\n".join(lines))

    async def callbacks_delivered(self) -> None:
        """Return when all status callbacks fired so far are delivered or given up."""
        await self.exchange.services.callbacks.drained()
