import ipaddress

import pytest

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.ip import IP, find


@pytest.mark.parametrize("address", ["81.2.69.142", "2a02:8070:ab1::7", "2001:4860:4860::8888"])
def test_a_global_address_is_found(address: str) -> None:
    text = f"from {address}, then"
    assert [text[a:b] for a, b in find(text)] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1:8080",
        "::1",
        "fe80::1",
        "203.0.113.9",
        "2001:db8::1",
        "v81.2.69.142",
        "version 81.2.69.142",
        "81.2.69.142.5",
        "300.1.1.1",
        "12:30:45",
        "std::abs",
        "224.0.0.1",
    ],
)
def test_what_leads_to_nobody_stays(text: str) -> None:
    assert list(find(text)) == []


@pytest.mark.parametrize("address", ["81.2.69.142", "2a02:8070:ab1::7"])
def test_the_surrogate_is_of_a_range_for_documentation(address: str) -> None:
    fresh = IP.surrogate(address, Draw(b"\x31" * 32))
    assert ipaddress.ip_address(fresh).version == ipaddress.ip_address(address).version
    assert list(find(fresh)) == []


def test_an_address_written_out_is_the_same_one() -> None:
    assert IP.canonical("2a02:0:0:0:0:0:0:7") == IP.canonical("2A02::7")
