from django.urls import path

from webapp.review_queue import rule_views, views

urlpatterns = [
    path("review", views.review, name="review"),
    path("review/work", views.work, name="review-work"),
    path("review/learn", views.learn, name="review-learn"),
    path("projects/<number:pk>/review-rules", rule_views.rules, name="review-rules"),
    path("projects/<number:pk>/review-rules/new", rule_views.new, name="review-rule-new"),
    path(
        "projects/<number:pk>/review-rules/preview",
        rule_views.would_send,
        name="review-rule-preview",
    ),
    path("projects/<number:pk>/review-rules/apply", rule_views.apply, name="review-rules-apply"),
    path("review-rules/grammar", rule_views.grammar, name="review-rule-grammar"),
    path("review-rules/<number:pk>", rule_views.rule, name="review-rule"),
    path("review-rules/<number:pk>/switch", rule_views.switch, name="review-rule-switch"),
    path("review-rules/<number:pk>/remove", rule_views.remove, name="review-rule-remove"),
    path("review-rules/<number:pk>/restore", rule_views.restore, name="review-rule-restore"),
]
