from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from contract.settings import Settings


def test_flags_go_before_environment_and_environment_before_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("retrieval: {k: 3, depth: 30}\nserver: {port: 1111}\n")
    monkeypatch.setenv("PLUMBLINE_RETRIEVAL__K", "4")
    monkeypatch.setenv("PLUMBLINE_SERVER__PORT", "2222")
    settings = Settings.load(file, {"server.port": 3333, "retrieval.depth": None})
    assert (settings.retrieval.depth, settings.retrieval.k, settings.server.port) == (30, 4, 3333)


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("retrieval: {kk: 3}\n")
    with pytest.raises(ConfigurationError, match=r"retrieval\.kk"):
        Settings.load(file)


def test_a_public_address_must_be_allowed_on_purpose() -> None:
    with pytest.raises(ConfigurationError, match="allow_public"):
        Settings.load(None, {"server.host": "0.0.0.0"})
    assert Settings.load(None, {"server.host": "0.0.0.0", "server.allow_public": True})
    assert Settings.load(None, {"server.host": "0.0.0.0", "server.keys_file": "keys.yaml"})


def test_a_secret_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_POLICY__API_KEY", "sk-very-secret")
    settings = Settings.load()
    assert settings.policy.api_key is not None
    assert "very-secret" not in repr(settings) + settings.model_dump_json()


def test_the_version_changes_with_what_changes_answers_only() -> None:
    base = Settings()
    assert base.replace({"server.port": 9}).version == base.version
    assert base.replace({"retrieval.k": 9}).version != base.version


def test_a_child_process_gets_the_settings_of_its_section_and_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLUMBLINE_POLICY__API_KEY", "sk-very-secret")
    settings = Settings.load(None, {"retrieval.k": 7})
    given = settings.environment("retrieval")
    assert "sk-very-secret" not in given.values()
    for name in [n for n in given if n.startswith("PLUMBLINE_")]:
        monkeypatch.setenv(name, given[name])
    assert Settings.load().retrieval == settings.retrieval


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        section = field.annotation
        inner = getattr(section, "model_fields", None)
        for key in [f"{name}.{leaf}" for leaf in inner] if inner else [name]:
            assert f"`{key}`" in text, f"docs/settings.md says nothing of {key}"


def test_a_misspelt_setting_is_told_which_one_may_be_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLUMBLINE_SERVER__PROT", "1")
    with pytest.raises(ConfigurationError, match=r"no such setting; did you mean server\.port\?"):
        Settings.load()
