from pathlib import Path

from server.engine.last_words import last_words

LOG = """\
(APIServer pid=7) INFO 11-21 17:15:00 [api.py:10] starting
(APIServer pid=7) WARNING 11-21 17:15:01 [launcher.py:2] failed to raise a limit with error: not allowed
(EngineCore pid=9) ERROR 11-21 17:15:02 [core.py:1202] Traceback (most recent call last):
(EngineCore pid=9) ERROR 11-21 17:15:02 [core.py:1202]   File "/x/core.py", line 1, in run
(EngineCore pid=9) ERROR 11-21 17:15:02 [core.py:1202] ValueError: no room for key secret-key
(APIServer pid=7) INFO 11-21 17:15:03 [api.py:20] Error handling is done
2026-11-21 17:15:03 keeper: the engine ended with status 1
"""


def test_errors_are_told_without_their_stack_and_without_secrets(tmp_path: Path) -> None:
    log = tmp_path / "policy.log"
    log.write_text(LOG)
    assert last_words(log, ["secret-key"]) == "It said: ValueError: no room for key …"


def test_without_an_error_the_very_last_lines_are_told(tmp_path: Path) -> None:
    log = tmp_path / "policy.log"
    log.write_text("one\ntwo\nthree\nfour\n")
    assert last_words(log, []) == "It said: two | three | four"
    log.write_text("")
    assert last_words(log, []) == "It said nothing."
    assert last_words(tmp_path / "none.log", []) == "It left no log."
