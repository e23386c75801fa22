from contract import errors
from server.errors import STATUS, response_of


def test_every_error_has_a_status_of_its_own_kind() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    for cls in classes:
        status, body = response_of(cls("It is broken. Mend it."))
        assert set(body["error"]) == {"message", "type", "param", "code"}
        assert (status < 500) == issubclass(cls, errors.RequestRejected)


def test_the_table_lists_special_errors_before_general_ones() -> None:
    order = list(STATUS)
    for place, cls in enumerate(order):
        assert not any(issubclass(cls, before) for before in order[:place])
