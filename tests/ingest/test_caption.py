"""A picture is described by the model that the settings name, and by no other."""

from pathlib import Path

import pytest
from PIL import Image

from contract.settings import IngestSettings
from ingest.caption import Captions
from ingest.reading import Reading
from tests.scripted_policy import ScriptedPolicy


@pytest.fixture
def picture(tmp_path: Path) -> Reading:
    path = tmp_path / "harbour.png"
    Image.new("RGB", (64, 64), "navy").save(path)
    return Reading(path, "", None, "empty", "No text was found in the picture.")


def captions(policy: ScriptedPolicy) -> Captions:
    return Captions(IngestSettings.model_validate({"caption_url": policy.url}))


def test_a_picture_without_letters_becomes_text(picture: Reading, policy: ScriptedPolicy) -> None:
    policy.script("A harbour at night with three ferries.")
    described = captions(policy).add(picture)
    assert described.status == "indexed" and described.document
    assert described.document.text.strip() == "A harbour at night with three ferries."
    (content,) = [m["content"] for m in policy.requests[-1]["messages"]]
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,")


def test_a_model_that_fails_costs_the_caption_only(
    picture: Reading, policy: ScriptedPolicy
) -> None:
    policy.script((500, {"error": {"message": "out of memory"}}))
    kept = captions(policy).add(picture)
    assert kept.status == "empty" and "no caption" in kept.reason and "out of memory" in kept.reason


def test_nothing_is_sent_unless_asked(picture: Reading) -> None:
    assert Captions(IngestSettings()).add(picture) is picture
