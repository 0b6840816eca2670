"""What can be read: the recognisers of PP-OCR, each for some languages or a script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# By RapidOCR's name. What the packaged recogniser knows is read by default: its 18,708 characters
# are those of Chinese, Japanese and Greek, and Latin with the marks of all European languages.
DEFAULT = "ch"
LANGUAGES: Mapping[str, str] = {
    DEFAULT: "Latin, Chinese, Japanese and Greek",
    "en": "English alone",
    "latin": "Latin alone",
    "chinese_cht": "traditional Chinese",
    "japan": "Japanese alone",
    "korean": "Korean",
    "arabic": "Arabic",
    "cyrillic": "Cyrillic",
    "eslav": "Russian, Ukrainian and Belarusian",
    "devanagari": "Devanagari",
    "el": "Greek alone",
    "th": "Thai",
    "ta": "Tamil",
    "te": "Telugu",
    "ka": "Kannada",
}


def pack_of(language: str) -> str:
    """The name by which the recogniser of a language is fetched, such as "ocr-korean"."""
    return f"ocr-{language}"


def packs_besides(known: Iterable[str]) -> list[tuple[str, str, str]]:
    """Key, title and pack of each language that could be fetched and is not among `known`."""
    here = {DEFAULT, *known}
    return [(key, title, pack_of(key)) for key, title in LANGUAGES.items() if key not in here]
