from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.files.base import ContentFile

from analysis.errors import AnalysisError
from analysis.sky.tables import check_stars
from webapp import storage
from webapp.accounts.models import Refused, User, Workspace
from webapp.assets.models import Asset
from webapp.ids import SomeOf, is_id
from webapp.nights.choosing import of_role, of_workspace
from webapp.nights.night import MOST_EXPOSURES, Night
from webapp.nights.options import (
    DEFAULTS,
    METHODS,
    NETWORK_HELP,
    NETWORK_TITLE,
    NUMBERS,
    SITE,
)
from webapp.sky.exposures import SkyExposure

MOST_FILE_BYTES = 20 * 2**20
_ROLES = {"bias": "Bias", "dark": "Dark", "flat": "Flat"}


def kept_table(file: Any, check: Callable[[str], None] = lambda text: None) -> str:
    """Store a table that was sent; "" for none. Raises Refused where it is no text table, or
    `check`, which is given its text, raises AnalysisError."""
    if file is None:
        return ""
    if file.size > MOST_FILE_BYTES:
        raise Refused(f"{file.name} is larger than {MOST_FILE_BYTES // 2**20} MB.")
    data = file.read()
    try:
        text = data.decode("utf-8-sig")
        head = next(csv.reader(text.splitlines()), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{file.name} is not a table in text: save it as CSV in UTF-8.") from error
    if not head:
        raise Refused(f"{file.name} is empty.")
    try:
        check(text)
    except AnalysisError as error:
        raise Refused(error.message) from error
    name = f"night-tables/{hashlib.sha256(data).hexdigest()}.csv"
    return storage.keep_once(name, ContentFile(data))


def _site_of(said: dict[str, Any]) -> dict[str, Any]:
    """What the form says of who observed; a form has one field `catalogue` already, for stars."""
    given = said | {"catalogue": said["position_catalogue"]}
    return {name: given[name] for name in SITE}


class One(forms.ModelChoiceField):
    """A row chosen in a form; a word that can be no row's number is refused, not looked for."""

    def clean(self, value: Any) -> Any:
        if value and not is_id(str(value)):
            raise forms.ValidationError(
                self.error_messages["invalid_choice"],
                code="invalid_choice",
                params={"value": str(value)[:20]},
            )
        return super().clean(value)


class NightForm(forms.Form):
    """What a night is made of, and how it is searched."""

    name = forms.CharField(max_length=120, label="Name")
    exposures = SomeOf(Asset.objects.none(), label="Exposures")
    reference = One(
        Asset.objects.none(), required=False, label="Reference",
        empty_label="Stack the exposures themselves",
        help_text="What the sky looks like without what is looked for: deeper, or of another "
        "night. A stack of the exposures has what moves clipped away, and misses what hardly "
        "moves.",
    )  # fmt: skip
    bias = One(Asset.objects.none(), required=False, label="Bias", empty_label="None")
    dark = One(Asset.objects.none(), required=False, label="Dark", empty_label="None")
    flat = One(Asset.objects.none(), required=False, label="Flat", empty_label="None")
    method = forms.ChoiceField(
        choices=list(METHODS.items()), initial=DEFAULTS["method"], label="Subtraction",
        help_text="ZOGY is the best test for a point where the sky's noise rules. Matching the "
        "seeing by a kernel forgives shapes of stars that are hard to measure.",
    )  # fmt: skip
    network = forms.BooleanField(required=False, label=NETWORK_TITLE, help_text=NETWORK_HELP)
    observatory = forms.CharField(
        max_length=3, required=False, label="Code of the observatory",
        help_text="As the Minor Planet Center gives them, such as 568. Needed by its formats.",
    )  # fmt: skip
    observers = forms.CharField(
        max_length=120, required=False, label="Observers",
        help_text="By commas, such as R. Virtanen, O. Berg. Else whoever began the night.",
    )  # fmt: skip
    telescope = forms.CharField(
        max_length=40, required=False, label="Telescope",
        help_text="Its design, such as Ritchey-Chretien.",
    )  # fmt: skip
    aperture_m = forms.FloatField(
        min_value=0.001, max_value=100, required=False, label="Aperture, m"
    )
    position_catalogue = forms.CharField(
        max_length=12, required=False, label="Positions by",
        help_text="The catalogue that the coordinates were solved with, such as Gaia3.",
    )  # fmt: skip
    catalogue = forms.FileField(
        required=False, label="Stars of known brightness",
        help_text="CSV with ra, dec and mag (degrees). Without it magnitudes are instrumental.",
    )  # fmt: skip
    known = forms.FileField(
        required=False, label="Known objects",
        help_text="CSV with name, mjd, ra and dec: where each is at two times or more. What lies "
        "there is called by its name.",
    )  # fmt: skip

    SITE = ("observatory", "observers", "telescope", "aperture_m", "position_catalogue")
    CALIBRATION = ("bias", "dark", "flat")
    FOLDED = ("threshold", "least", "slowest", "fastest", "tolerance", "trails", "injected")

    def __init__(self, workspace: Workspace, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        self.workspace = workspace
        every = Asset.objects.filter(pk__in=of_workspace(workspace).values("asset"))
        science = SkyExposure.Role.SCIENCE, SkyExposure.Role.REFERENCE
        self._choose("exposures", every)
        self._choose("reference", of_role(workspace, *science))
        for name in _ROLES:
            self._choose(name, of_role(workspace, name))
        for name, number in NUMBERS.items():
            self.fields[name] = forms.FloatField(
                min_value=number.least,
                max_value=number.most,
                initial=DEFAULTS[name],
                label=f"{number.title}, {number.unit}" if number.unit else number.title,
                help_text=number.help,
            )

    def _choose(self, name: str, rows: Any) -> None:
        field: Any = self.fields[name]
        field.queryset = rows

    def clean_exposures(self) -> list[Asset]:
        chosen = list(self.cleaned_data["exposures"])
        if len(chosen) > MOST_EXPOSURES:
            raise forms.ValidationError(f"A night has at most {MOST_EXPOSURES} exposures.")
        return chosen

    def request(self, by: User) -> Night:
        """Raises Refused."""
        said = self.cleaned_data
        found: Night = Night.objects.request(
            self.workspace,
            said["exposures"],
            name=said["name"],
            by=by,
            reference=said["reference"],
            masters={name: said[name] for name in self.CALIBRATION},
            options={name: said[name] for name in DEFAULTS},
            observatory=said["observatory"],
            site=_site_of(said),
            catalogue=kept_table(said["catalogue"], check_stars),
            known=kept_table(said["known"]),
        )
        return found
