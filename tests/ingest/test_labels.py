"""Labels and attributes beside files: the nearest word counts, and a broken file opens nothing."""

from pathlib import Path

import pytest

from contract.access import Access
from contract.errors import NotFound
from contract.filters import Comparison
from contract.settings import RetrievalSettings
from ingest.build import Ingest, Options
from ingest.report import Report
from ingest.survey import Given
from retrieval.retrieve import Retriever
from text.encoder import Encoder

SETTINGS = RetrievalSettings()
HR = Access(frozenset({"hr"}))
STAFF = Access(frozenset({"staff"}))


class Office:
    """A folder of documents, its index and what a caller finds in it."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        self.files, self.index, self.encoder = path / "files", path / "index", encoder
        self.files.mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.files / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, "utf-8")
        return path

    def ingest(self, *, labels: tuple[str, ...] | None = None, **attributes: str) -> Report:
        options = Options(given=Given(labels, attributes or None))
        return Ingest(self.index, self.encoder, SETTINGS).run([self.files], "default", options)

    @property
    def retriever(self) -> Retriever:
        return Retriever(self.index, self.encoder, SETTINGS)

    def found(self, access: Access, question: str = "What is the salary?") -> set[str]:
        hits = self.retriever.search(question, access=access)
        return {Path(hit.chunk.document).name for hit in hits}


@pytest.fixture
def office(tmp_path: Path, encoder: Encoder) -> Office:
    return Office(tmp_path, encoder)


def test_a_labelled_document_is_found_by_those_who_carry_its_label(office: Office) -> None:
    office.write("open.txt", "The salary is paid on the last working day.")
    office.write("hr/.plumbline.yaml", "labels: [hr]")
    office.write("hr/closed.txt", "The salary of the director is secret.")
    office.ingest()
    assert office.found(Access()) == {"open.txt"}
    assert office.found(STAFF) == {"open.txt"}
    assert office.found(HR) == {"open.txt", "closed.txt"}


def test_what_is_hidden_is_hidden_in_passages_and_by_its_id(office: Office) -> None:
    office.write(".plumbline.yaml", "labels: [hr]")
    office.write("closed.txt", "The salary of the director is secret.")
    office.ingest()
    assert office.retriever.retrieve("What is the salary?").passages == ()
    (passage,) = office.retriever.retrieve("What is the salary?", access=HR).passages
    assert passage.labels == ("hr",)
    with pytest.raises(NotFound):
        office.retriever.document(passage.document_id)
    assert office.retriever.documents() == []
    assert office.retriever.documents(access=HR)[0].labels == ("hr",)


def test_the_nearest_word_about_labels_counts(office: Office) -> None:
    office.write(".plumbline.yaml", "labels: [staff]\nfiles: {'pay*': {labels: [hr]}}")
    office.write("rules.txt", "Rules about salary.")
    office.write("pay.txt", "Numbers about salary.")
    office.write("public/.plumbline.yaml", "labels: []")
    office.write("public/flyer.txt", "A flyer about salary.")
    office.write("public/draft.txt", "A draft about salary.")
    office.write("public/draft.txt.plumbline.yaml", "labels: [hr]")
    office.ingest()
    assert office.found(Access()) == {"flyer.txt"}
    assert office.found(STAFF) == {"flyer.txt", "rules.txt"}
    assert office.found(HR) == {"flyer.txt", "pay.txt", "draft.txt"}


def test_a_word_about_labels_that_cant_be_read_hides_the_document(office: Office) -> None:
    office.write("pay.txt", "Numbers about salary.")
    office.ingest()
    sidecar = office.write(".plumbline.yaml", "labels: hr, staff")
    report = office.ingest()
    assert report.failed and "nobody may see it" in report.files[0].reason
    assert office.found(Access(everything=True)) == set()
    sidecar.write_text("labels: [hr]")
    office.ingest()
    assert office.found(HR) == {"pay.txt"}


def test_new_labels_hold_at_once_and_nothing_is_read_again(office: Office) -> None:
    office.write("pay.txt", "Numbers about salary.")
    office.ingest()
    served = office.retriever
    assert served.search("salary")
    office.write(".plumbline.yaml", "labels: [hr]")
    assert office.ingest().counts == {"unchanged": 1}
    assert served.search("salary") == []
    assert served.search("salary", access=HR)


def test_labels_of_the_command_line_stay_until_changed(office: Office) -> None:
    office.write("pay.txt", "Numbers about salary.")
    office.ingest(labels=("hr",))
    office.write("pay.txt", "Other numbers about salary.")
    office.ingest()
    assert office.found(Access()) == set() and office.found(HR) == {"pay.txt"}
    office.ingest(labels=())
    assert office.found(Access()) == {"pay.txt"}


def test_a_file_beside_the_document_goes_before_the_command_line(office: Office) -> None:
    office.write("pay.txt", "Numbers about salary.")
    office.write("pay.txt.plumbline.yaml", "labels: [hr]\ntitle: Pay of 2026")
    office.ingest(labels=("staff",))
    assert office.found(STAFF) == set()
    assert office.found(HR) == {"pay.txt"}
    (hit,) = office.retriever.search("What was paid in 2026?", access=HR)
    assert hit.chunk.title == "Pay of 2026"


def test_a_filter_asks_for_attributes(office: Office) -> None:
    office.write("a/.plumbline.yaml", "attributes: {department: finance, year: 2026}")
    office.write("a/new.txt", "The salary of this year.")
    office.write("b/.plumbline.yaml", "attributes: {department: finance, year: 2019}")
    office.write("b/old.md", "The salary of that year.")
    office.ingest()

    def found(kind: str, key: str, value: str | float) -> list[str]:
        where = Comparison.model_validate({"type": kind, "key": key, "value": value})
        hits = office.retriever.search("salary", where=where)
        return sorted(Path(hit.chunk.document).name for hit in hits)

    assert found("eq", "department", "finance") == ["new.txt", "old.md"]
    assert found("gte", "year", 2020) == ["new.txt"]
    assert found("eq", "format", "md") == ["old.md"]
    assert found("eq", "department", "legal") == []


def test_attributes_of_the_command_line_stay_too(office: Office) -> None:
    office.write("a.txt", "The salary of this year.")
    office.ingest(department="finance")
    office.ingest()
    (document,) = office.retriever.documents()
    assert document.attributes["department"] == "finance"


def test_labels_outlive_the_file_that_gave_them(office: Office) -> None:
    office.write("pay.txt", "Numbers about salary.")
    sidecar = office.write("pay.txt.plumbline.yaml", "labels: [hr]")
    office.ingest()
    sidecar.unlink()
    (file,) = office.ingest().files
    assert file.status == "unchanged" and "labels: hr" in file.reason
    assert office.found(Access()) == set() and office.found(HR) == {"pay.txt"}
    office.ingest(labels=())
    assert office.found(Access()) == {"pay.txt"}
