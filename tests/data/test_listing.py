from speciarl_pl.data.listing import walk_images


def test_walk_is_sorted_deep_and_leaves_out_the_rest(photo, tmp_path):
    for name in ("b/2.JPG", "a.png", "b/c/1.webp", ".hidden/x.png", ".y.png"):
        photo(name)
    (tmp_path / "notes.txt").write_text("no image")
    found = [path.relative_to(tmp_path).as_posix() for path in walk_images(tmp_path)]
    assert found == ["a.png", "b/2.JPG", "b/c/1.webp"]
