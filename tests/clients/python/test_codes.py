"""PINs and case numbers: normalised as people type them; errors do not repeat them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen import InputError, make_pin, read_case, read_pin

CROCKFORD = st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_a_pin_is_sixty_random_bits_in_three_groups() -> None:
    pins = {make_pin() for _ in range(1000)}
    assert len(pins) == 1000
    assert all(read_pin(pin) == pin and len(pin) == 14 for pin in pins)
    assert len({character for pin in pins for character in pin}) == 33


@given(st.lists(CROCKFORD, min_size=12, max_size=12), st.data())
def test_a_pin_is_read_however_it_is_written(code: list[str], data: st.DataObject) -> None:
    other = {"0": "0oO", "1": "1iIlL"}
    written = ""
    for character in code:
        written += data.draw(st.sampled_from(["", " ", "-"]))
        written += data.draw(st.sampled_from(other.get(character, character + character.lower())))
    plain = "".join(code)
    assert read_pin(written) == f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"


@pytest.mark.parametrize("written", ["UN-7K4M-9QTX", "un7k4m9qtx", "7K4M-9QTX", " un 7k4m 9qtx "])
def test_a_case_number_is_read_however_it_is_written(written: str) -> None:
    assert read_case(written) == "UN-7K4M-9QTX"


@pytest.mark.parametrize("written", ["", "UN-", "UN-7K4M-9QT", "UN-7K4M-9QTU", "UN-7K4M-9QTX-2"])
def test_a_malformed_code_is_refused(written: str) -> None:
    for read in (read_case, read_pin):
        with pytest.raises(InputError) as caught:
            read(written)
        assert caught.value.hint
        assert not written or written not in str(caught.value)
