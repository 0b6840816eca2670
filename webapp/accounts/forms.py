from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from webapp.accounts import zones
from webapp.accounts.models import Refused, Role, SignInTry, User

# What each role is for, as the members page says it.
ROLES = {
    Role.ADMINISTRATOR: "Everything, and members, keys and the state of the system.",
    Role.ANALYST: "Uploads, edits projects, runs analyses, reviews, and issues reports.",
    Role.REVIEWER: "Sees everything, comments, labels, and corrects what was found.",
    Role.LABELLER: "Draws boxes in the jobs given to them, and sees nothing else.",
    Role.VIEWER: "Sees everything and comments, and changes nothing else.",
}


class SignInForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput({"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["name", "time_zone"]
        widgets = {"name": forms.TextInput({"autocomplete": "name"})}

    time_zone = forms.ChoiceField(
        required=False,
        choices=lambda: [("", "As this browser says"), *((name, name) for name in zones.names())],
        help_text="Dates are shown and deadlines are entered in it.",
    )


class PasswordForm(forms.Form):
    current = forms.CharField(
        label="Current password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label="New password",
        strip=False,
        help_text="At least 10 characters. A few words in a row are easy to keep in mind.",
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, user: User, data: Any = None, *, ip: str | None) -> None:
        """`ip`: where the current password is tried from; None when it need not be known."""
        super().__init__(data)
        self.user, self.ip = user, ip
        if ip is None:
            del self.fields["current"]

    def clean_current(self) -> str:
        current = self.cleaned_data["current"]
        try:
            is_right = SignInTry.guarded(
                self.user.email, self.ip or "", lambda: self.user.check_password(current)
            )
        except Refused as refused:
            raise ValidationError(str(refused)) from refused
        if not is_right:
            raise ValidationError("This is not your current password.")
        return current

    def clean_new(self) -> str:
        password_validation.validate_password(self.cleaned_data["new"], self.user)
        return self.cleaned_data["new"]


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail", widget=forms.EmailInput({"autocomplete": "off"}))
    role = forms.ChoiceField(choices=Role.choices, initial=Role.ANALYST)


class WorkspaceForm(forms.Form):
    name = forms.CharField(max_length=80, label="Name of the workspace")


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=80, widget=forms.TextInput({"placeholder": "What will use it"})
    )
    can_write = forms.BooleanField(required=False, label="May also change things")
