"""Values that are made when first asked for, by one thread while others wait for that value alone."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Once(Generic[K, V]):
    """Values by key, each made when first asked for, by one thread while others wait for that value alone."""

    def __init__(self, make: Callable[[K], V]) -> None:
        self._make = make
        self._lock = Lock()
        self._values: dict[K, V] = {}
        self._making: dict[K, Lock] = {}

    def __getitem__(self, key: K) -> V:
        with self._lock:
            if key in self._values:
                return self._values[key]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            value = self._make(key)
            with self._lock:
                self._values[key] = value
                self._making.pop(key, None)
            return value

    def known(self, key: K) -> V | None:
        """The value, if it has been made."""
        with self._lock:
            return self._values.get(key)

    def forget(self, is_old: Callable[[K], bool]) -> None:
        """Frees the values of old keys."""
        with self._lock:
            self._values = {key: value for key, value in self._values.items() if not is_old(key)}
