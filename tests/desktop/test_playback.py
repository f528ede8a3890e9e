from fractions import Fraction
from itertools import pairwise

from pytestqt.qtbot import QtBot

from desktop.editing.in_out import InOut
from desktop.editing.session import Session
from desktop.media.playback import Playback
from tests.desktop.documents import make_session, make_shot


def make_playback(session: Session) -> Playback:
    return Playback(session, InOut(session))


def speeds(playback: Playback, *names: str) -> list[int]:
    seen = []
    for name in names:
        getattr(playback, name)()
        seen.append(playback.speed)
    return seen


def test_j_and_l_go_faster_and_turn_around(qapp: object) -> None:
    playback = make_playback(make_session(make_shot(frames=20)))
    assert speeds(playback, *["forward"] * 5) == [1, 2, 4, 8, 8]
    assert speeds(playback, *["backward"] * 3, "stop") == [-1, -2, -4, 0]


def test_space_plays_and_stops(qapp: object) -> None:
    playback = make_playback(make_session(make_shot(frames=20)))
    assert speeds(playback, "toggle", "toggle", "backward", "toggle") == [1, 0, -1, 0]


def test_nothing_plays_in_an_empty_or_one_frame_document(qapp: object) -> None:
    for session in (make_session(), make_session(make_shot(frames=1))):
        assert speeds(make_playback(session), "toggle", "forward") == [0, 0]


def test_it_goes_around_and_both_ways(qtbot: QtBot) -> None:
    session = make_session(make_shot(frames=6))
    playback = make_playback(session)
    playback.set_rate(Fraction(120))
    seen: list[int] = []
    session.playhead_changed.connect(lambda: seen.append(session.playhead))
    playback.forward()
    qtbot.waitUntil(lambda: any(later < earlier for earlier, later in pairwise(seen)))
    playback.stop()
    session.go_to(2)
    seen.clear()
    playback.backward()
    qtbot.waitUntil(lambda: 5 in seen)
    playback.stop()


def test_it_stops_when_the_last_shot_goes(qtbot: QtBot) -> None:
    from desktop.editing import commands

    session = make_session(make_shot(frames=6))
    playback = make_playback(session)
    playback.forward()
    commands.remove_shot(session)
    qtbot.waitUntil(lambda: not playback.is_playing)


def test_a_marked_range_is_played_around_and_around(qtbot: QtBot) -> None:
    session = make_session(make_shot("a", frames=10), make_shot("b", frames=10, start=5))
    in_out = InOut(session)
    playback = Playback(session, in_out)
    playback.set_rate(Fraction(120))
    for frame, mark in ((12, in_out.mark_in), (15, in_out.mark_out)):
        session.go_to(frame)
        mark()
    seen: list[int] = []
    session.playhead_changed.connect(lambda: seen.append(session.playhead))
    playback.forward()
    qtbot.waitUntil(lambda: len(seen) > 9)
    assert set(seen) == {12, 13, 14, 15}
