"""Capitalised words that are no private person's name: ends of the names of firms and places, places, the famous."""

from __future__ import annotations

# What a capitalised row of words is where one of these ends or follows it.
NO_PERSONS = frozenset(
    "Street St Road Rd Avenue Ave Lane Drive Way Court Place Square Terrace Close Park Gardens Hill House Hall Tower Building Bridge Station "
    "Airport Hospital Clinic School College University Academy Institute Church Cathedral Museum Gallery Library Theatre Hotel Inn Bar Cafe "
    "Restaurant Bank Insurance Logistics Freight Shipping Foods Systems Software Solutions Services Partners Holdings Industries Motors Electric "
    "Airlines Airways Ltd Limited Inc LLC LLP PLC Corp Corporation Company Co GmbH AG SA SAS Srl BV NV Oy AB Pty Prize Award Medal Cup Trophy "
    "Foundation Trust Fund Society Club United City County State Island Islands Bay Beach River Lake Mountain Mount Valley Desert Sea Ocean Coast "
    "North South East West Central Act Bill Law Theorem Principle Method Test Scale Syndrome Disease Day Week Month Year Eve Edition Version Release "
    "Server Database Cloud Studio Suite Pro Max Plus Mini Premier Nova Sans Serif Mono Bold Team Group Unit Ward Wing Room Floor Desk Centre Center "
    "Instruments Homes Foods Chain Cold Hot Cabs Emballage Supplies Stores Market Bakery Express Policy Handbook Guide Manual Report Review Plan Project Program Programme Agreement Contract Form Code Number Department Ministry Council".split()
)
FAMOUS = frozenset(
    "marie curie|albert einstein|isaac newton|charles darwin|ada lovelace|alan turing|grace hopper|jane austen|charles dickens|william shakespeare|"
    "george orwell|virginia woolf|mark twain|ernest hemingway|agatha christie|stephen king|leo tolstoy|franz kafka|oscar wilde|emily dickinson|"
    "barack obama|donald trump|joe biden|george washington|abraham lincoln|john kennedy|winston churchill|margaret thatcher|nelson mandela|mahatma gandhi|"
    "martin luther|angela merkel|vladimir putin|elon musk|bill gates|steve jobs|jeff bezos|mark zuckerberg|taylor swift|michael jackson|elvis presley|"
    "johann sebastian bach|wolfgang amadeus mozart|ludwig van beethoven|frida kahlo|pablo picasso|vincent van gogh|leonardo da vinci|andy warhol|"
    "florence nightingale|rosa parks|amelia earhart|neil armstrong|sherlock holmes|harry potter|james bond|mickey mouse|peter pan|robin hood|"
    "john doe|jane doe|joe bloggs|thomas edison|nikola tesla|benjamin franklin|thomas jefferson|stephen hawking|lionel messi|cristiano ronaldo|"
    "serena williams|roger federer|usain bolt|muhammad ali|michael jordan|kim kardashian|tim cook|warren buffett|henry ford|jack daniels|jim beam|"
    "marco polo|morgan stanley|tony blair|boris johnson|malcolm mclean|jackie chan|bruce lee|tommy hilfiger|calvin klein|ralph lauren|louis vuitton|hugo boss|paul smith|ben nevis|santa claus|don juan|gill sans".split(
        "|"
    )
)
PLACES = frozenset(
    "hong kong|new york|los angeles|las vegas|san francisco|san diego|san jose|san antonio|santa cruz|santa clara|sri lanka|costa rica|puerto rico|"
    "el salvador|kuala lumpur|buenos aires|rio de|sao paulo|cape town|tel aviv|abu dhabi|saudi arabia|new zealand|new delhi|great britain|"
    "mexico city|ho chi|den haag|saint louis|st louis|baden baden|monte carlo|palo alto|addis ababa|phnom penh|siem reap|da nang".split(
        "|"
    )
)
