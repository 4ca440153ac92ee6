"""A question per row of a data set, in place of that of the data module."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets.arrow_dataset import Dataset

from speciarl_pl.commands.data import main
from speciarl_pl.data import HubImages, ImageDataset, ImageTable, MixedImages, OpenWorldDataModule
from speciarl_pl.data.position import listing_digest
from speciarl_pl.data.prompt_check import TRIED, check_own_prompts
from speciarl_pl.errors import DataError, PromptError

from .toys import Numbers, encode

ROWS = [("a.png", "red", "Which colour?"), ("b.png", "two", ""), ("c.png", "no", "Is it\na dog?")]


@pytest.fixture
def table(photo, tmp_path):
    """Writes a table of questions in a format, gives its path."""
    for name, _, _ in ROWS:
        photo(name)

    def write(name="vqa.csv", rows=ROWS):
        path = tmp_path / name
        columns = dict(zip(("image", "label", "question"), zip(*rows, strict=True), strict=True))
        made = Dataset.from_dict({key: list(cells) for key, cells in columns.items()})
        if path.suffix == ".csv":
            made.to_csv(path, index=False)
        elif path.suffix == ".jsonl":
            made.to_json(path)
        else:
            made.to_parquet(path)
        return str(path)

    return write


def prompts(source, prompt="What is it?"):
    return [sample.prompt for sample in ImageDataset(source, prompt)]


@pytest.mark.parametrize("name", ["vqa.csv", "vqa.jsonl", "vqa.parquet"])
def test_a_row_is_asked_its_own_question(table, name):
    source = ImageTable(table(name), prompt_column="question")
    assert prompts(source) == ["Which colour?", "What is it?", "Is it\na dog?"]
    assert [sample.own_prompt for sample in ImageDataset(source, "")] == [True, False, True]


def test_a_column_of_that_name_alone_changes_nothing(table):
    assert prompts(ImageTable(table())) == ["What is it?"] * 3


def test_a_data_set_of_a_hub_has_them_too(photo, tmp_path):
    picture = photo("a.png").read_bytes()
    columns = {"image": [picture] * 2, "label": ["a", "b"], "question": ["Which one?", None]}
    pq.write_table(pa.table(columns), tmp_path / "d.parquet")
    source = HubImages(str(tmp_path / "d.parquet"), prompt_column="question")
    assert prompts(source) == ["Which one?", "What is it?"]
    with pytest.raises(DataError, match="no column 'ask'"):
        HubImages(str(tmp_path / "d.parquet"), prompt_column="ask").table()


def test_a_mix_asks_what_its_data_sets_ask(table):
    mix = MixedImages([ImageTable(table(), prompt_column="question"), Numbers(3)], limit=6)
    assert prompts(mix) == ["Which colour?", "What is it?", "Is it\na dog?", *["What is it?"] * 3]


@pytest.mark.parametrize("cell", [7, True, ["Why?"]], ids=str)
def test_what_is_no_text_is_refused_with_its_row(tmp_path, cell):
    path = tmp_path / "t.jsonl"
    row = '{"image": "a.png", "label": "x", "question": %s}\n'
    path.write_text(row % '"Why?"' + row % str(cell).lower().replace("'", '"'))
    with pytest.raises(DataError, match=r"t\.jsonl: row 2 has .* in 'question'; expected a quest"):
        ImageTable(str(path), prompt_column="question").table()


def test_a_column_that_is_not_there_is_named(table):
    with pytest.raises(DataError, match=r"no column 'ask'; the columns there are: .*'question'"):
        ImageTable(table(), prompt_column="ask").table()


def test_other_questions_are_another_listing(table):
    def digest(**options):
        return listing_digest([ImageDataset(ImageTable(table(), **options), "")])

    own = digest(prompt_column="question")
    assert own != digest()
    other = [(image, label, question.replace("dog", "cat")) for image, label, question in ROWS]
    source = ImageTable(table("other.csv", other), name="vqa", prompt_column="question")
    assert own != listing_digest([ImageDataset(source, "")])
    none = [(image, label, " ") for image, label, _ in ROWS]
    source = ImageTable(table("none.csv", none), name="vqa", prompt_column="question")
    assert digest() == listing_digest([ImageDataset(source, "")]), "as before there were any"


def test_show_and_check_say_how_many_rows_have_one(table, capsys):
    words = ["--source", "ImageTable", "--source.path", table(), "--source.prompt_column=question"]
    said = "prompts: 2 of 3 images have their own, the others that of data.prompt"
    assert main(["show", *words]) == 0
    assert said in capsys.readouterr().out
    assert main(["check", *words]) == 0
    assert said in capsys.readouterr().out


class Asked:
    """Encodes; keeps what was asked, and refuses a placeholder."""

    def __init__(self):
        self.prompts = []

    def __call__(self, sample):
        self.prompts.append(sample.prompt)
        if "<image>" in sample.prompt:
            raise PromptError("data.prompt: two images")
        return encode(sample)


def test_the_longest_and_the_odd_are_tried_before_the_first_batch(table):
    rows = [("a.png", "x", f"Question {number}?") for number in range(9)]
    rows += [("a.png", "x", "The longest question of all?"), ("b.png", "x", "Is <this> odd?")]
    source = ImageTable(table("t.csv", rows), prompt_column="question")
    data = OpenWorldDataModule(source, batch_size=2)
    data.encode = Asked()
    data.setup("fit")
    data.train_dataloader()
    data.train_dataloader()
    asked = [data.prompt, "The longest question of all?", "Is <this> odd?"]
    assert data.encode.prompts == asked, "each once"


def test_one_that_names_a_placeholder_is_refused_with_its_data_set(table):
    rows = [*ROWS, ("a.png", "x", "What is in <image>?")]
    source = ImageTable(table("t.csv", rows), prompt_column="question")
    with pytest.raises(PromptError) as error:
        check_own_prompts(Asked(), ImageDataset(source, ""))
    assert str(error.value) == "data set 't': the prompt 'What is in <image>?': two images"


def test_not_all_of_many_odd_ones_are_tried(table):
    rows = [("a.png", "x", f"Is it [{number:03d}]?") for number in range(99)]
    asked = Asked()
    source = ImageTable(table("t.csv", rows), prompt_column="question")
    check_own_prompts(asked, ImageDataset(source, ""))
    assert len(asked.prompts) == TRIED + 1
