"""The command line: ``voice-agent`` and its commands, one file each.

Commands import what they need when they run, so that ``--help`` is quick. Whatever looks at a call does so
over HTTP and WebSocket, as any other client would.
"""

from __future__ import annotations

import typer

from voice_agent.cli import call, demo, doctor, emulator, graph, keys, models, operators, safety, serve

app = typer.Typer(
    name="voice-agent",
    help="A voice agent for a doctor's phone line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("call")(call.call)
app.command("demo")(demo.demo)
app.command("emulator")(emulator.emulator)
app.command("doctor")(doctor.doctor)
app.add_typer(graph.app, name="graph")
app.add_typer(keys.app, name="keys")
app.add_typer(operators.app, name="operators")
app.add_typer(models.app, name="models")
app.add_typer(safety.app, name="safety")
