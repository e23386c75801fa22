"""What names of files say."""

from __future__ import annotations

from pathlib import PurePath

# How people call the kinds, with an article.
LABELS = {
    "csv": "a table as text",
    "doc": "a Word 97-2003 document",
    "docx": "a Word document",
    "eml": "a mail",
    "epub": "an e-book",
    "fodf": "a flat OpenDocument file",
    "html": "a web page",
    "image": "an image",
    "ipynb": "a notebook",
    "json": "JSON",
    "jsonl": "JSON lines",
    "markdown": "Markdown",
    "mbox": "a mailbox",
    "mhtml": "a saved web page",
    "msg": "an Outlook message",
    "odf": "an OpenDocument file",
    "ods": "an OpenDocument spreadsheet",
    "pdf": "a PDF",
    "ppt": "a PowerPoint 97-2003 presentation",
    "pptx": "a PowerPoint presentation",
    "rst": "reStructuredText",
    "rtf": "an RTF document",
    "sheetml": "an Excel 2003 XML workbook",
    "source": "source code",
    "tar": "a tar archive",
    "text": "text",
    "wordml": "a Word 2003 XML document",
    "xls": "an Excel 97-2003 workbook",
    "xlsx": "an Excel workbook",
    "xml": "XML",
    "zip": "a zip archive",
}

TEXT_KINDS = frozenset("csv html ipynb json jsonl markdown rst source text xml".split())

_KINDS = {
    "csv": "csv tsv tab psv",
    "doc": "doc dot wps",
    "docx": "docx docm dotx dotm",
    "eml": "eml",
    "epub": "epub",
    "html": "html htm xhtml xht shtml",
    "image": "png jpg jpeg gif bmp tif tiff webp",
    "ipynb": "ipynb",
    "json": "json json5 jsonc geojson webmanifest",
    "jsonl": "jsonl ndjson",
    "markdown": "md markdown mdown mkd mdx rmd qmd",
    "mbox": "mbox mbx",
    "mhtml": "mht mhtml",
    "msg": "msg",
    "odf": "odt odp odg ott otp fodt fodp",
    "ods": "ods ots",
    "pdf": "pdf",
    "ppt": "ppt pps dps",
    "pptx": "pptx pptm ppsx ppsm potx potm",
    "rst": "rst rest",
    "rtf": "rtf",
    "source": "py pyi pyx js mjs cjs jsx ts tsx java c h cc cpp cxx hh hpp hxx cs go rs rb php sh "
    "bash zsh fish sql kt kts swift scala r m mm lua pl pm ps1 psm1 bat cmd vb vbs f f90 jl hs ml "
    "ex exs erl clj dart groovy gradle css scss less proto graphql tf vue svelte asm s d pas zig "
    "nim mk cmake v vhd vhdl sv tcl awk sed el lisp scm",
    "tar": "tar tgz",
    "text": "txt text log yaml yml toml ini cfg conf properties env tex bib adoc asciidoc org wiki "
    "textile srt vtt sbv diff patch po pot ics vcf nfo lrc sty cls opml0 lst out err",
    "xls": "xls xlt et",
    "xlsx": "xlsx xlsm xlsb xltx xltm",
    "xml": "xml rss atom xsd xsl xslt svg kml gpx xmp plist dita resx wsdl xlf tmx opml ncx docbook",
    "zip": "zip",
}

SUFFIXES = {f".{suffix}": kind for kind, names in _KINDS.items() for suffix in names.split()}

_NAMES = {
    "dockerfile": "source",
    "containerfile": "source",
    "makefile": "source",
    "gnumakefile": "source",
    "jenkinsfile": "source",
    "rakefile": "source",
    "gemfile": "source",
    "vagrantfile": "source",
    "cmakelists.txt": "source",
}


def kind_by_name(name: str) -> str:
    """The kind that a name speaks of, empty if it says nothing."""
    path = PurePath(name.lower())
    return _NAMES.get(path.name) or SUFFIXES.get(path.suffix, "")
