"""Personal data told by form and wording, and what only looks like it."""

from __future__ import annotations

import pytest

from text.private_data import private_data


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mail o'brien@post.example, please.", [("mail", "o'brien@post.example")]),
        ("邮箱li.na@shop.example联系我", [("mail", "li.na@shop.example")]),
        ("手机13900001111，座机0571-8823 6610。", [("phone", "13900001111")]),
        ("Ring me on 0113 496 0000 ext 12.", [("phone", "0113 496 0000 ext 12")]),
        ("Passport no. K8R40N62T expires soon", [("id_number", "K8R40N62T")]),
        ("SSN: 531 47 8206", [("id_number", "531 47 8206")]),
        ("Dear Ms Okonkwo, welcome.", [("name", "Okonkwo")]),
        ("I'm Tomasz Wróbel from accounts.", [("name", "Tomasz Wróbel")]),
        ("Kind regards,\nIngrid van der Berg", [("name", "Ingrid van der Berg")]),
        ("| Name | Room |\n|---|---|\n| Aiko Mori | 3 |", [("name", "Aiko Mori")]),
        ("我叫欧阳雪，想问一下。", [("name", "欧阳雪")]),
        ("请找周医生复诊", [("name", "周")]),
        ("收件人：买买提·艾力", [("name", "买买提·艾力")]),
        ("此致\n敬礼\n李国强", [("name", "李国强")]),
        (
            "Come to Flat 2, 9 Quarry Close, Norwich NR3 1TS.",
            [("address", "Flat 2, 9 Quarry Close, Norwich NR3 1TS")],
        ),
        ("Lindenstraße 8b, 79104 Freiburg", [("address", "Lindenstraße 8b, 79104 Freiburg")]),
        (
            "我住在成都市武侯区桐梓林东路7号3单元501",
            [("address", "成都市武侯区桐梓林东路7号3单元501")],
        ),
        ("ssh to 10.130.22.8 fails", [("ip_address", "10.130.22.8")]),
        ("来自2001:db8:85a3::8a2e:371:9的请求", [("ip_address", "2001:db8:85a3::8a2e:371:9")]),
    ],
)
def test_what_is_personal_is_found_with_its_span(text: str, found: list[tuple[str, str]]) -> None:
    data = [(d.kind, text[d.start : d.end]) for d in private_data(text)]
    assert [pair for pair in data if pair in found] == found
    assert not {kind for kind, _ in data} - {kind for kind, _ in found}


@pytest.mark.parametrize(
    "text",
    [
        "Part no. 020-7946-0958, order 4111-1111-1111-1112, version 10.2.3.4.",
        "uint32 max is 4294967295; call centre handled 14 203 885 cases.",
        "It weighs 070 900 417 mg and costs 2019-2024 EUR.",
        "Dr Pepper and Dr. Strangelove; Parkinson's disease; Wall Street rally.",
        "I'm German, I'm Head of nothing, this is Fine.",
        "git clone git@forge.local:tools/kit.git",
        "路由器和路径，高级工程师，区域经理和项目经理，任何老师都可以。",
        "姓名：待定\n联系人：仓库",
        "亲爱的顾客：您好！我叫不出名字，本人已阅读。",
        "配件编号 010-1234-5678-A，版本 2.17.0.4，第 12 号线",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert private_data(text) == []
