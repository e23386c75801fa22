from retrieval.fuse import fuse


def test_both_sides_count_by_weight() -> None:
    dense, lexical = {1: 0.9, 2: 0.5, 3: 0.1}, {3: 12.0, 2: 6.0, 4: 0.0}
    scores = fuse(dense, lexical, 0.5)
    assert scores == {1: 0.5, 2: 0.5, 3: 0.5, 4: 0.0}
    assert max(fuse(dense, lexical, 0.9), key=fuse(dense, lexical, 0.9).get) == 1  # type: ignore[arg-type]


def test_one_silent_side_leaves_the_other_as_it_is() -> None:
    assert list(fuse({}, {7: 3.0, 8: 1.0}, 0.5)) == [7, 8]
    assert fuse({7: 0.5}, {}, 0.5) == {7: 1.0}
