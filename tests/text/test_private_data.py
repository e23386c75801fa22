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
        # A relation, a verb, a mail made of it, a list, data beside it, known names.
        ("My wife Oluchi Brandvold lost her bag.", [("name", "Oluchi Brandvold")]),
        ("Ask Ruaridh Quennell for the keys", [("name", "Ruaridh Quennell")]),
        ("tell hannah petrov from sales", [("name", "hannah petrov")]),
        (
            "Wiremu Tahana\nw.tahana@post.example",
            [("name", "Wiremu Tahana"), ("mail", "w.tahana@post.example")],
        ),
        ("Claire Fontaine was there.", [("name", "Claire Fontaine")]),
        ("租客叫欧阳静怡，月租三千", [("name", "欧阳静怡")]),
        ("派单给师傅黄金宝，下午到", [("name", "黄金宝")]),
        ("7床 沈佩佩 女 34岁", [("name", "沈佩佩")]),
        ("“王国强 手机 13900001111”", [("name", "王国强"), ("phone", "13900001111")]),
        # Numbers by their check digit, by the name beside them, by the word for the paper they stand on.
        ("NRIC S1234567D", [("id_number", "S1234567D")]),
        ("身份證 A123456(3)", [("id_number", "A123456(3)")]),
        ("身分證字號A123456789", [("id_number", "A123456789")]),
        ("codice fiscale RSSMRA85T10A562S", [("id_number", "RSSMRA85T10A562S")]),
        ("NHS no 943 476 5919", [("id_number", "943 476 5919")]),
        ("driving licence no. D525-6218-0317", [("id_number", "D525-6218-0317")]),
        ("回鄉證號碼 H0123456789", [("id_number", "H0123456789")]),
        ("sort code 20-45-78 acc no 46391402", [("account", "46391402")]),
        ("工行朝阳支行，33150198436200000719", [("account", "33150198436200000719")]),
        ("手机１３９００００１１１１", [("phone", "１３９００００１１１１")]),
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
        "From Hong Kong to New York; Marie Curie and Marco Polo; the Elena Garcia Prize.",
        "NHS number 943 476 5918 and NRIC S1234567A have wrong check digits.",
        "客服：收到\n访客：车是前四后八，付款用哪张卡？徐家汇的店",
        "配件编号 010-1234-5678-A，版本 2.17.0.4，第 12 号线",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert private_data(text) == []
