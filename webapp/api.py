"""The routes of /api/v1/."""

from __future__ import annotations

from threading import Lock
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView

from webapp import schema as schema  # tells drf-spectacular about keys
from webapp.accounts.api import EventViewSet, WorkspaceViewSet
from webapp.asking.api import AskViewSet, JudgementViewSet, Search
from webapp.assets.api import AssetViewSet, CollectionViewSet
from webapp.auditing.api import AuditItemViewSet, RunAudit
from webapp.comments.api import CommentViewSet, NoticeViewSet
from webapp.contracts.api import (
    ContractLinkViewSet,
    ContractViewSet,
    IssuedContractViewSet,
)
from webapp.cuts.api import CutClipViewSet, CutViewSet, RenderingViewSet
from webapp.datasets.api import DatasetVersionViewSet, SampleViewSet, TransferViewSet
from webapp.explaining.api import ExplanationViewSet, RunMentionWhy
from webapp.graph.api import ProjectGraph, WorkspaceGraph
from webapp.improving.api import LoopViewSet, RoundViewSet
from webapp.indexing.api import IndexingViewSet, LineEditViewSet, WordEditViewSet
from webapp.indexing.speaker_api import (
    SpeakerEditViewSet,
    SpeakerTurnViewSet,
    SpeakerViewSet,
    VoiceViewSet,
)
from webapp.labelling.api import LabelingJobViewSet, ProjectLabellingFigures
from webapp.labelling.guidelines_api import LabelGuideline
from webapp.labelling.parts_api import PartViewSet
from webapp.labelling.works_api import LabelledWorkViewSet
from webapp.methodologies.api import MethodologyViewSet
from webapp.moments.api import (
    FlagViewSet,
    MomentEditViewSet,
    MomentViewSet,
    OutlineViewSet,
)
from webapp.new_brands.api import LabelPast, LabelTake, NewBrandViewSet
from webapp.nights.api import NightCandidateViewSet, NightViewSet, SkyTeachingViewSet
from webapp.project_pages.api import DatasetViewSet, ProjectViewSet
from webapp.projects.api import LabelViewSet, ReferenceViewSet
from webapp.registry.api import HostingViewSet, ModelViewSet
from webapp.reports.api import ReportViewSet
from webapp.reports.season_api import ProjectSeason
from webapp.review_figures.api import ProjectReviewFigures
from webapp.review_queue.api import ReviewItemViewSet, ReviewRuleViewSet
from webapp.runs.api import RunViewSet
from webapp.search.api import LabelMentions, SavedSearchViewSet
from webapp.sky.api import SkyExposureViewSet
from webapp.spaces.api import (
    PairSetViewSet,
    SpaceCodeViewSet,
    SpaceTrainingViewSet,
    SpaceViewSet,
)
from webapp.timeline.api import (
    CorrectionViewSet,
    DeniedMentionViewSet,
    RunDifference,
    RunExposure,
    RunLookAgain,
    RunMentions,
)
from webapp.training.api import (
    EvaluationViewSet,
    ExportViewSet,
    ModelVersionViewSet,
    TrainingViewSet,
)


@extend_schema(exclude=True)
class Nowhere(APIView):
    """An address that is none, answered as the API answers."""

    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        raise Http404


_DESCRIBING = Lock()
_DESCRIBED: list[bytes] = []  # the one schema, once it is made


@extend_schema(exclude=True)
class Schema(SpectacularJSONAPIView):
    """The same for everybody, so a process makes it once: it takes seconds of the processor, and
    nobody needs a key to ask for it. One request at a time does: drf-spectacular loads what it
    knows of other packages with the first, and a second that meets it half done ends in an
    AttributeError."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        with _DESCRIBING:
            if not _DESCRIBED:
                made = super().get(request, *args, **kwargs)
                _DESCRIBED.append(request.accepted_renderer.render(made.data))
        return HttpResponse(_DESCRIBED[0], content_type=request.accepted_renderer.media_type)


router = DefaultRouter()
router.include_format_suffixes = False
router.register("workspaces", WorkspaceViewSet, "api-workspace")
router.register("assets", AssetViewSet, "api-asset")
router.register("sky-exposures", SkyExposureViewSet, "api-sky-exposure")
router.register("collections", CollectionViewSet, "api-collection")
router.register("projects", ProjectViewSet, "api-project")
router.register("labels", LabelViewSet, "api-label")
router.register("references", ReferenceViewSet, "api-reference")
router.register("datasets", DatasetViewSet, "api-dataset")
router.register("samples", SampleViewSet, "api-sample")
router.register("dataset-versions", DatasetVersionViewSet, "api-dataset-version")
router.register("transfers", TransferViewSet, "api-transfer")
router.register("labelling-jobs", LabelingJobViewSet, "api-labelling-job")
router.register("labelling-parts", PartViewSet, "api-labelling-part")
router.register("labelled-works", LabelledWorkViewSet, "api-labelled-work")
router.register("models", ModelViewSet, "api-model")
router.register("methodologies", MethodologyViewSet, "api-methodology")
router.register("model-versions", ModelVersionViewSet, "api-model-version")
router.register("model-exports", ExportViewSet, "api-model-export")
router.register("hosting", HostingViewSet, "api-hosting")
router.register("trainings", TrainingViewSet, "api-training")
router.register("evaluations", EvaluationViewSet, "api-evaluation")
router.register("runs", RunViewSet, "api-run")
router.register("indexings", IndexingViewSet, "api-indexing")
router.register("word-edits", WordEditViewSet, "api-word-edit")
router.register("line-edits", LineEditViewSet, "api-line-edit")
router.register("speakers", SpeakerViewSet, "api-speaker")
router.register("voices", VoiceViewSet, "api-voice")
router.register("speaker-turns", SpeakerTurnViewSet, "api-speaker-turn")
router.register("speaker-edits", SpeakerEditViewSet, "api-speaker-edit")
router.register("nights", NightViewSet, "api-night")
router.register("night-candidates", NightCandidateViewSet, "api-night-candidate")
router.register("sky-teachings", SkyTeachingViewSet, "api-sky-teaching")
router.register("spaces", SpaceViewSet, "api-space")
router.register("space-codes", SpaceCodeViewSet, "api-space-code")
router.register("space-trainings", SpaceTrainingViewSet, "api-space-training")
router.register("pair-sets", PairSetViewSet, "api-pair-set")
router.register("saved-searches", SavedSearchViewSet, "api-saved-search")
router.register("asks", AskViewSet, "api-ask")
router.register("judgements", JudgementViewSet, "api-judgement")
router.register("outlines", OutlineViewSet, "api-outline")
router.register("moments", MomentViewSet, "api-moment")
router.register("moment-edits", MomentEditViewSet, "api-moment-edit")
router.register("flags", FlagViewSet, "api-flag")
router.register("comments", CommentViewSet, "api-comment")
router.register("notices", NoticeViewSet, "api-notice")
router.register("cuts", CutViewSet, "api-cut")
router.register("cut-clips", CutClipViewSet, "api-cut-clip")
router.register("cut-renderings", RenderingViewSet, "api-cut-rendering")
router.register("corrections", CorrectionViewSet, "api-correction")
router.register("denied-mentions", DeniedMentionViewSet, "api-denied-mention")
router.register("audit-items", AuditItemViewSet, "api-audit-item")
router.register("review-rules", ReviewRuleViewSet, "api-review-rule")
router.register("review-items", ReviewItemViewSet, "api-review-item")
router.register("new-brands", NewBrandViewSet, "api-new-brand")
router.register("explanations", ExplanationViewSet, "api-explanation")
router.register("loops", LoopViewSet, "api-loop")
router.register("rounds", RoundViewSet, "api-round")
router.register("reports", ReportViewSet, "api-report")
router.register("contracts", ContractViewSet, "api-contract")
router.register("contract-reports", IssuedContractViewSet, "api-contract-report")
router.register("contract-links", ContractLinkViewSet, "api-contract-link")
router.register("events", EventViewSet, "api-event")

docs = SpectacularSwaggerSplitView.as_view(url_name="api-schema", template_name="api/docs.html")

urlpatterns = [
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", docs, name="api-docs"),
    path("projects/<number:pk>/season/", ProjectSeason.as_view({"get": "retrieve"})),
    path(
        "projects/<number:pk>/review-figures/",
        ProjectReviewFigures.as_view({"get": "retrieve"}),
        name="api-review-figures",
    ),
    path(
        "projects/<number:pk>/unusual-seconds/",
        ProjectReviewFigures.as_view({"get": "unusual"}),
        name="api-unusual-seconds",
    ),
    path("graph/", WorkspaceGraph.as_view({"get": "retrieve"})),
    path("graph/moments/", WorkspaceGraph.as_view({"get": "moments"})),
    path("projects/<number:pk>/graph/", ProjectGraph.as_view({"get": "retrieve"})),
    path("projects/<number:pk>/graph/moments/", ProjectGraph.as_view({"get": "moments"})),
    path("runs/<number:pk>/exposure/", RunExposure.as_view({"get": "retrieve"})),
    path("runs/<number:pk>/mentions/why/", RunMentionWhy.as_view({"get": "retrieve"})),
    path("runs/<number:pk>/mentions/", RunMentions.as_view({"get": "retrieve", "post": "create"})),
    path("runs/<number:pk>/look-again/", RunLookAgain.as_view({"post": "create"})),
    path("runs/<number:pk>/difference/", RunDifference.as_view({"get": "retrieve"})),
    path(
        "runs/<number:pk>/audit/",
        RunAudit.as_view({"get": "retrieve", "post": "create"}),
        name="api-run-audit",
    ),
    path(
        "runs/<number:pk>/audit/next/",
        RunAudit.as_view({"post": "lend"}),
        name="api-run-audit-next",
    ),
    path(
        "projects/<number:pk>/labelling-figures/",
        ProjectLabellingFigures.as_view({"get": "retrieve"}),
        name="api-project-labelling-figures",
    ),
    path(
        "labels/<number:pk>/guideline/",
        LabelGuideline.as_view({"get": "retrieve", "put": "update"}),
        name="api-label-guideline",
    ),
    path("labels/<number:pk>/past/", LabelPast.as_view({"get": "retrieve"})),
    path("labels/<number:pk>/take-pictures/", LabelTake.as_view({"post": "create"})),
    path("labels/<number:pk>/mentions/", LabelMentions.as_view({"get": "retrieve"})),
    path("search/", Search.as_view({"get": "search"}), name="api-search"),
    *router.urls,
    path("<path:rest>", Nowhere.as_view()),
]
