from __future__ import annotations

from typing import Any

from django import forms

from analysis.reading.languages import LANGUAGES as READ_LANGUAGES
from analysis.speakers.types import MOST_SPEAKERS
from analysis.speech.languages import LANGUAGES


class SpeechForm(forms.Form):
    """How an asset is to be listened to. What is left out is as it is by default."""

    engine = forms.CharField(max_length=80, required=False)
    language = forms.ChoiceField(choices=[("", "Find out"), *LANGUAGES.items()], required=False)
    task = forms.ChoiceField(
        choices=[("transcribe", "As it is spoken"), ("translate", "Translated to English")],
        required=False,
    )
    track = forms.IntegerField(min_value=0, max_value=999, required=False)

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def sentence(self) -> str:
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class TextForm(forms.Form):
    """How the writing on an asset is to be read."""

    language = forms.ChoiceField(
        choices=[("", "As packaged"), *READ_LANGUAGES.items()], required=False
    )

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def sentence(self) -> str:
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class SpeakersForm(forms.Form):
    """How speakers are to be told apart."""

    speakers = forms.IntegerField(min_value=0, max_value=MOST_SPEAKERS, required=False)
    track = forms.IntegerField(min_value=0, max_value=999, required=False)

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value is not None}

    def sentence(self) -> str:
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class PicturesForm(forms.Form):
    """By what pictures are to be encoded."""

    encoder = forms.CharField(max_length=80, required=False)

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def sentence(self) -> str:
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class SoundForm(PicturesForm):
    """By what sound is to be encoded, and which track of it."""

    track = forms.IntegerField(min_value=0, max_value=999, required=False)


class WordForm(forms.Form):
    """One word of a speech segment, and what is to stand for it."""

    segment = forms.IntegerField(min_value=1, max_value=10**18 - 1)
    word = forms.IntegerField(min_value=0, max_value=10**6)
    text = forms.CharField(max_length=200, required=False, strip=True)
