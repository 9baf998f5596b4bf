"""Stream tokens: once, in time, for one leg."""

from __future__ import annotations

import pytest

from telephony.errors import TokenError
from telephony.tokens import StreamGrant, StreamTokens

GRANT = StreamGrant("CA1", "CA1", "tap", 1)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_token_opens_what_it_was_made_for_once() -> None:
    tokens = StreamTokens()
    token = tokens.issue(GRANT)
    assert tokens.redeem(token, leg_sid="CA1", roles={"tap", "operator"}) == GRANT
    with pytest.raises(TokenError):
        tokens.redeem(token, leg_sid="CA1", roles={"tap"})


@pytest.mark.parametrize(("leg_sid", "role"), [("CA2", "tap"), ("CA1", "agent"), ("", "tap"), ("ä", "tap")])
def test_a_token_tried_in_the_wrong_place_is_used_up(leg_sid: str, role: str) -> None:
    tokens = StreamTokens()
    token = tokens.issue(GRANT)
    with pytest.raises(TokenError):
        tokens.redeem(token, leg_sid=leg_sid, roles={role})
    with pytest.raises(TokenError):
        tokens.redeem(token, leg_sid="CA1", roles={"tap"})


@pytest.mark.parametrize("token", ["", "guess", "\ud800", "x" * 100_000])
def test_a_token_that_was_never_issued_opens_nothing(token: str) -> None:
    tokens = StreamTokens()
    tokens.issue(GRANT)
    with pytest.raises(TokenError):
        tokens.redeem(token, leg_sid="CA1", roles={"tap"})


def test_a_token_expires() -> None:
    clock = Clock()
    tokens = StreamTokens(ttl_s=60, clock=clock)
    early, late = tokens.issue(GRANT), tokens.issue(GRANT)
    clock.now += 59.9
    tokens.redeem(early, leg_sid="CA1", roles={"tap"})
    clock.now += 0.1
    with pytest.raises(TokenError):
        tokens.redeem(late, leg_sid="CA1", roles={"tap"})
    assert len(tokens) == 0


def test_the_store_is_bounded_and_forgets_the_oldest() -> None:
    tokens = StreamTokens(capacity=3)
    issued = [tokens.issue(GRANT) for _ in range(4)]
    assert len(tokens) == 3
    with pytest.raises(TokenError):
        tokens.redeem(issued[0], leg_sid="CA1", roles={"tap"})
    tokens.redeem(issued[3], leg_sid="CA1", roles={"tap"})


def test_the_tokens_of_a_call_that_is_over_are_forgotten() -> None:
    tokens = StreamTokens()
    gone = tokens.issue(GRANT)
    stays = tokens.issue(StreamGrant("CA2", "CA2", "tap", 1))
    tokens.revoke_call("CA1")
    with pytest.raises(TokenError):
        tokens.redeem(gone, leg_sid="CA1", roles={"tap"})
    tokens.redeem(stays, leg_sid="CA2", roles={"tap"})


def test_tokens_are_long_random_and_fit_into_a_stream_parameter() -> None:
    tokens = StreamTokens()
    issued = {tokens.issue(GRANT) for _ in range(1000)}
    assert len(issued) == 1000
    assert {len(token) for token in issued} == {32}
