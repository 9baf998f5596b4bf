"""Where a transfer goes. Three tiers: a number that was given, a location by its name, else the service's own
forwarding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from telephony.webhook import is_e164


@dataclass(frozen=True, slots=True)
class ForwardTarget:
    """A number (E.164) and the name of the location it belongs to, "" for none."""

    number: str
    location_name: str = ""


@dataclass(frozen=True, slots=True)
class ForwardDirectory:
    """What a service knows of places to forward to.

    Attributes:
        locations: number by name of the location, as the conversation may name it.
        forward_to: where callers go when nothing else is said; None when nobody answers there.
        should_disconnect: the agent leaves once the caller is connected.
    """

    locations: Mapping[str, str] = field(default_factory=dict)
    forward_to: str | None = None
    should_disconnect: bool = True

    def resolve(self, wanted: str) -> ForwardTarget | None:
        """``wanted`` is E.164, a location's name (in any case), or "" for the service's own forwarding.

        A name that is not known goes to the service's own forwarding too; None when there is none.
        """
        if is_e164(wanted):
            known = next((name for name, number in self.locations.items() if number == wanted), "")
            return ForwardTarget(wanted, known)
        name = wanted.strip().casefold()
        for location, number in self.locations.items():
            if name and location.casefold() == name:
                return ForwardTarget(number, location)
        return ForwardTarget(self.forward_to, wanted.strip()) if self.forward_to else None
