"""A call as it happens, in the terminal: words, states, latencies."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from voice_agent.call.events import (
    AgentTranscript,
    AgentTranscriptDelta,
    BargeIn,
    CallEvent,
    Degraded,
    EscalationRequested,
    Latency,
    SessionEnd,
    SessionStart,
    SpeechStarted,
    SpeechStopped,
    StateTransition,
    ToolCallCompleted,
    ToolCallStarted,
    TurnCompleted,
    UserTranscript,
)

LINES_SHOWN = 18


@contextmanager
def watched_call() -> Iterator[Callable[[CallEvent], object]]:
    """Show a call while the block runs; the events go into the function that is yielded.

    In a terminal the picture is redrawn in place; elsewhere every line is printed once.
    """
    view = LiveCall()
    screen = Console(highlight=False)
    if not screen.is_terminal:

        def print_line(event: CallEvent) -> None:
            if line := view.take(event):
                screen.print(line, soft_wrap=True)

        yield print_line
        return
    with Live(view, console=screen, refresh_per_second=8):
        yield view.take


@dataclass
class LiveCall:
    """What the screen shows; feed it events and print it whenever it is due."""

    title: str = "Call"
    state: str = ""
    status: str = "ringing"
    partial: str = ""
    caller_speaks: bool = False
    latencies: list[float] = field(default_factory=list)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_SHOWN))

    def take(self, event: CallEvent) -> str | None:
        """Take one event. Returns the line it added, if any (what a log would print)."""
        line = self._line(event)
        if line is not None:
            self.lines.append(f"[dim]{max(0.0, event.t):6.1f}[/]  {line}")
            return self.lines[-1]
        return None

    def _line(self, event: CallEvent) -> str | None:
        match event:
            case SessionStart():
                self.title = f"{event.caller_id or 'withheld'} -> {event.called or '?'}   {event.call_sid}"
            case SessionEnd():
                self.status = f"ended: {event.completion_reason}"
                return f"[red]end[/]      {event.completion_reason} after {event.duration_seconds:.1f} s"
            case SpeechStarted(leg="caller"):
                self.caller_speaks = True
            case SpeechStopped(leg="caller"):
                self.caller_speaks = False
            case UserTranscript(final=False):
                self.partial = event.transcript
            case UserTranscript():
                self.partial = ""
                words = escape(event.transcript) or "[dim](not understood)[/]"
                doubt = "" if event.accepted else " [yellow]not trusted[/]"
                back = " [dim]backchannel[/]" if event.is_backchannel else ""
                return f"[green]caller[/]   {words} [dim]{event.confidence:.0%}[/]{doubt}{back}"
            case AgentTranscriptDelta():
                self.status = "agent speaks"
                return f"[magenta]agent[/]    {escape(event.text)}"
            case AgentTranscript(interrupted=True):
                return f"[red]         not heard:[/] [dim]{escape(event.unheard)}[/]"
            case TurnCompleted():
                self.status = "thinking"
            case Latency():
                self.latencies.append(event.e2e_ttfb_ms)
            case StateTransition():
                self.state = event.to_state
                return f"[cyan]state[/]    {escape(event.from_state) or 'start'} -> {escape(event.to_state)}"
            case ToolCallStarted():
                self.status = f"tool {event.tool_name}"
            case ToolCallCompleted():
                outcome = (
                    "[green]ok[/]" if event.succeeded else f"[red]failed[/] {escape(event.error_message)}"
                )
                return f"[yellow]tool[/]     {event.tool_name} {outcome} [dim]{event.duration_ms:.0f} ms[/]"
            case BargeIn():
                return f"[red]barge-in[/] agent silent {event.stop_ms:.0f} ms after the caller's voice began"
            case Degraded():
                return f"[red]degraded[/] {event.part} -> {escape(event.rung)} {escape(event.reason)}"
            case EscalationRequested():
                return f"[red]escalate[/] {escape(event.trigger)}"
        return None

    def __rich__(self) -> RenderableType:
        """The whole picture."""
        facts = Table.grid(padding=(0, 3))
        newest = f"{self.latencies[-1]:.0f} ms" if self.latencies else "-"
        facts.add_row(
            f"state [bold cyan]{escape(self.state) or '-'}[/]",
            f"[bold]{escape(self.status)}[/]",
            "[green]caller speaks[/]" if self.caller_speaks else "[dim]caller quiet[/]",
            f"last reply after [bold]{newest}[/]",
        )
        hearing = Text(f"... {self.partial}" if self.partial else "", style="dim green", no_wrap=True)
        lines = [Text.from_markup(line, overflow="fold") for line in self.lines]
        return Panel(Group(facts, "", *lines, hearing), title=escape(self.title), padding=(0, 1))
