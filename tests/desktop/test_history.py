from hypothesis import given
from hypothesis import strategies as st

from desktop.editing.history import LIMIT, History


def test_undo_and_redo_walk_the_steps() -> None:
    history = History(0)
    history.push("one", 1)
    history.push("two", 2)
    assert history.undo_label == "two"
    assert history.undo() and history.value == 1
    assert history.redo_label == "two"
    assert history.redo() and history.value == 2
    assert not history.redo()


def test_steps_of_one_gesture_are_one_step() -> None:
    history = History(0)
    for value in range(1, 6):
        history.push("drag", value, "slider")
    history.undo()
    assert history.value == 0


def test_a_sealed_gesture_is_not_joined() -> None:
    history = History(0)
    history.push("drag", 1, "slider")
    history.seal()
    history.push("drag", 2, "slider")
    history.undo()
    assert history.value == 1


def test_an_undone_gesture_is_not_joined() -> None:
    history = History(0)
    history.push("drag", 1, "slider")
    history.undo()
    history.redo()
    history.push("drag", 2, "slider")
    history.undo()
    assert history.value == 1


def test_an_edit_drops_what_was_undone() -> None:
    history = History(0)
    history.push("one", 1)
    history.undo()
    history.push("other", 5)
    assert history.redo_label is None


def test_memory_is_bounded() -> None:
    history = History(0)
    for value in range(1, LIMIT + 50):
        history.push("step", value)
    while history.undo():
        pass
    assert history.value == 49


@given(st.lists(st.sampled_from(["push", "undo", "redo"]), max_size=60))
def test_undo_and_redo_agree_with_a_plain_list(actions: list[str]) -> None:
    history, values, at = History(0), [0], 0
    for number, action in enumerate(actions, start=1):
        if action == "push":
            values = [*values[: at + 1], number]
            at += 1
            history.push("step", number)
        elif action == "undo":
            assert history.undo() == (at > 0)
            at = max(at - 1, 0)
        else:
            assert history.redo() == (at < len(values) - 1)
            at = min(at + 1, len(values) - 1)
        assert history.value == values[at]
