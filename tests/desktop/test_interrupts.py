"""Ctrl-C waits until the call that it would break off has answered."""

from __future__ import annotations

import signal

import pytest

from desktop.subcommands.interrupts import interrupt_deferred


def test_an_interrupt_within_the_block_is_raised_at_its_end() -> None:
    answered = False
    with pytest.raises(KeyboardInterrupt), interrupt_deferred():
        signal.raise_signal(signal.SIGINT)
        answered = True
    assert answered


def test_interrupts_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupt_deferred():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt_deferred():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_within_the_block_goes_through() -> None:
    with pytest.raises(ValueError, match="wrong"), interrupt_deferred():
        raise ValueError("wrong")
