"""TwiML documents: XML in, checked verbs out. No network and no clock in here."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .errors import TwimlError
from .twiml_schema import (
    MESSAGING,
    MESSAGING_VERBS,
    UNDOCUMENTED_STREAM_ATTRIBUTES,
    VOICE,
    VOICE_VERBS,
    Rule,
)

MAX_DOCUMENT_BYTES = 64 * 1024
MAX_INLINE_CHARACTERS = 4000  # of the REST parameter `Twiml`
MAX_PARAMETER_CHARACTERS = 500  # name and value of a <Parameter> together must stay below this

NOT_WELL_FORMED = 12100
TOO_LARGE = 11750
SCHEMA_WARNING = 12200
STREAM_URL_WARNING = 31922


@dataclass(frozen=True)
class SchemaWarning:
    """One thing that the schema does not allow."""

    code: int
    message: str


@dataclass(frozen=True)
class Element:
    """A verb or noun whose attributes have passed the schema."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    children: tuple[Element, ...] = ()

    def get(self, attribute: str, default: str = "") -> str:
        """An attribute as text."""
        return self.attributes.get(attribute, default)

    def flag(self, attribute: str, default: bool) -> bool:
        """An attribute as a boolean."""
        value = self.attributes.get(attribute)
        return default if value is None else value == "true"

    def number(self, attribute: str, default: int) -> int:
        """An attribute as a whole number."""
        value = self.attributes.get(attribute)
        return default if value is None else int(value)

    def words(self, attribute: str, default: str = "") -> tuple[str, ...]:
        """An attribute as space-separated words."""
        return tuple(self.attributes.get(attribute, default).split())

    def parameters(self) -> dict[str, str]:
        """The `<Parameter>` children as a mapping."""
        return {c.get("name"): c.get("value") for c in self.children if c.name == "Parameter"}


@dataclass(frozen=True)
class Document:
    """A `<Response>`: the URL that relative URLs resolve against, its verbs, and what the schema minds."""

    url: str
    verbs: tuple[Element, ...]
    warnings: tuple[SchemaWarning, ...] = ()


def parse_document(body: bytes | str, url: str) -> Document:
    """Read a voice document.

    Args:
        body: the XML, as fetched or as given in the REST parameter `Twiml`.
        url: where it came from.

    Raises:
        TwimlError: not well-formed, a DOCTYPE, not a `<Response>`, or more than 64 KB.
    """
    return _parse(body, url, VOICE, VOICE_VERBS)


def parse_messaging_document(body: bytes | str, url: str) -> Document:
    """Read the answer to an inbound message. Raises TwimlError like `parse_document`."""
    return _parse(body, url, MESSAGING, MESSAGING_VERBS)


def _parse(body: bytes | str, url: str, rules: Mapping[str, Rule], verbs: tuple[str, ...]) -> Document:
    raw = body.encode() if isinstance(body, str) else body
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise TwimlError(TOO_LARGE, f"document of {len(raw)} bytes; at most {MAX_DOCUMENT_BYTES} are read")
    if b"<!DOCTYPE" in raw[:1024] or b"<!ENTITY" in raw:
        raise TwimlError(NOT_WELL_FORMED, "document type declarations are not accepted")
    try:
        root = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise TwimlError(NOT_WELL_FORMED, f"not well-formed XML: {error}") from error
    if root.tag != "Response":
        raise TwimlError(NOT_WELL_FORMED, f"the root element is <{root.tag}>, not <Response>")
    warnings: list[SchemaWarning] = []
    if root.attrib:
        warnings.append(_schema(f"<Response> has no attributes, got {sorted(root.attrib)}"))
    if (root.text or "").strip() or any((child.tail or "").strip() for child in root):
        warnings.append(_schema("text outside of verbs"))
    found = tuple(_elements(root, verbs, rules, warnings))
    for place, verb in enumerate(found):
        if verb.name == "Reject" and place > 0:
            warnings.append(_schema("<Reject> works as the first verb only"))
        if verb.name == "Dial" and verb.get("action") and place + 1 < len(found):
            warnings.append(_schema(f"<{found[place + 1].name}> after <Dial action> is never reached"))
    return Document(url, found, tuple(warnings))


def _schema(message: str) -> SchemaWarning:
    return SchemaWarning(SCHEMA_WARNING, message)


def _elements(
    parent: ElementTree.Element,
    allowed: tuple[str, ...],
    rules: Mapping[str, Rule],
    warnings: list[SchemaWarning],
) -> Iterator[Element]:
    for child in parent:
        if child.tag not in allowed:
            warnings.append(_schema(f"<{child.tag}> is not allowed in <{parent.tag}> and is skipped"))
            continue
        element = _element(child, rules, warnings)
        if element is not None:
            yield element


def _element(
    source: ElementTree.Element, rules: Mapping[str, Rule], warnings: list[SchemaWarning]
) -> Element | None:
    name, rule = source.tag, rules[source.tag]
    attributes: dict[str, str] = {}
    for key, value in source.attrib.items():
        known = rule.attributes.get(key)
        problem = known.problem(value) if known else "is unknown"
        if problem:
            warnings.append(_schema(f'<{name}> attribute {key}="{value[:80]}" {problem}; it is ignored'))
        else:
            attributes[key] = value
    for key in rule.required:
        if key not in attributes:
            warnings.append(_schema(f"<{name}> needs the attribute {key} and is skipped"))
            return None
    text = (source.text or "").strip()
    if len(text) > rule.text_limit:
        what = f"at most {rule.text_limit} characters of text" if rule.text_limit else "no text"
        warnings.append(_schema(f"<{name}> takes {what}, got {len(text)}; the rest is ignored"))
        text = text[: rule.text_limit]
    children = tuple(_elements(source, rule.children, rules, warnings))
    element = Element(name, attributes, text, children)
    warnings.extend(_further_rules(element))
    return element


def _further_rules(element: Element) -> Iterator[SchemaWarning]:
    if element.name == "Stream":
        for key in UNDOCUMENTED_STREAM_ATTRIBUTES:
            if key in element.attributes:
                yield _schema(f"<Stream> attribute {key} is not documented and is ignored")
        if "?" in element.get("url"):
            yield SchemaWarning(STREAM_URL_WARNING, "<Stream> URLs have no query string; use <Parameter>")
    if element.name == "Parameter":
        size = len(element.get("name")) + len(element.get("value"))
        if size >= MAX_PARAMETER_CHARACTERS:
            yield _schema(f"<Parameter> name and value have {size} characters; fewer than 500 are allowed")
    if element.name in ("Connect", "Start", "Stop") and len(element.children) != 1:
        yield _schema(f"<{element.name}> needs exactly one noun, got {len(element.children)}")
    if element.name == "Connect" and any(
        c.get("track") not in ("", "inbound_track") for c in element.children
    ):
        yield _schema("<Connect><Stream> is bidirectional and sends the inbound track only")
    if element.name == "Dial":
        names = {child.name for child in element.children}
        if not element.children and not element.text:
            yield _schema("<Dial> needs a number or a noun")
        if "Conference" in names and len(element.children) > 1:
            yield _schema("<Conference> must be the only noun of its <Dial>")
    if element.name == "Conference" and not element.text:
        yield _schema("<Conference> needs a room name")
