"""The history against the plain meaning of its question."""

from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.records.embedded.history import History

key = st.binary(min_size=1, max_size=2)
commits = st.lists(st.sets(key, max_size=4), max_size=12)
ranges = st.lists(st.tuples(key, key), max_size=3)


@given(commits=commits, since=st.integers(0, 12), keys=st.sets(key, max_size=4), ranges=ranges)
def test_changed_means_that_a_later_commit_wrote_what_was_read(commits, since, keys, ranges):
    history = History()
    for number, written in enumerate(commits, 1):
        history.add(number, written)
    later = set().union(*commits[since:])
    expected = bool(later & keys) or any(
        start <= key < end for key in later for start, end in ranges
    )
    assert history.has_changed(since, keys, ranges) is expected


@given(commits=commits, oldest=st.integers(0, 12), since=st.integers(0, 12), keys=st.sets(key))
def test_forgetting_changes_no_answer_for_snapshots_still_in_use(commits, oldest, since, keys):
    whole, pruned = History(), History()
    for number, written in enumerate(commits, 1):
        whole.add(number, written)
        pruned.add(number, written)
    pruned.forget_before(oldest)
    expected = whole.has_changed(since, keys, [(b"a", b"b")])
    if since >= oldest:
        assert pruned.has_changed(since, keys, [(b"a", b"b")]) is expected
    else:
        assert pruned.has_changed(since, keys, [(b"a", b"b")]) >= expected


@given(
    commits=commits, undone=st.sets(key, max_size=4), keys=st.sets(key), since=st.integers(0, 12)
)
def test_a_commit_undone_leaves_no_trace(commits, undone, keys, since):
    plain, other = History(), History()
    for number, written in enumerate(commits, 1):
        plain.add(number, written)
        other.add(number, written)
    other.add(len(commits) + 1, undone)
    other.add(len(commits) + 1, undone)
    other.undo(len(commits) + 1)
    for start in range(since, len(commits) + 2):
        assert other.has_changed(start, keys, [(b"a", b"c")]) is plain.has_changed(
            start, keys, [(b"a", b"c")]
        )


def test_a_snapshot_older_than_what_is_kept_counts_as_changed():
    history = History(keys_kept_max=10)
    for number in range(1, 101):
        history.add(number, [b"%d" % number])
    history.forget_before(0)
    assert history.has_changed(5, [b"unrelated"], [])
    assert not history.has_changed(95, [b"unrelated"], [])
