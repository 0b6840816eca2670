from django.urls import path

from webapp.timeline import again_views, correcting, denying, listening, not_this, proxies, views

urlpatterns = [
    path("assets/<number:pk>", views.asset, name="asset"),
    path("assets/<number:pk>/head", views.asset_head, name="asset-head"),
    path("assets/<number:pk>/ways", views.asset_ways, name="asset-ways"),
    path("assets/<number:pk>/link.json", views.asset_link, name="asset-link"),
    path("assets/<number:pk>/proxy", proxies.proxy, name="asset-proxy"),
    path("assets/<number:pk>/proxy/cancel", proxies.cancel, name="asset-proxy-cancel"),
    path("assets/<number:pk>/proxy/retry", proxies.retry, name="asset-proxy-retry"),
    path("runs/<number:pk>/look-again", again_views.start, name="run-look-again"),
    path("runs/<number:pk>/again", again_views.standing, name="run-again"),
    path("runs/<number:pk>/again/cancel", again_views.cancel, name="run-again-cancel"),
    path("runs/<number:pk>/again/retry", again_views.retry, name="run-again-retry"),
    path("runs/<number:pk>/view.json", views.view, name="run-view"),
    path("runs/<number:pk>/boxes/<number:index>.json", views.boxes, name="run-boxes"),
    path("runs/<number:pk>/sprites/<number:index>.jpg", views.sprite, name="run-sprite"),
    path("runs/<number:pk>/episodes", views.episodes, name="run-episodes"),
    path("runs/<number:pk>/listen", listening.listen, name="run-listen"),
    path("runs/<number:pk>/mentions.json", views.mentions, name="run-mentions"),
    path("runs/<number:pk>/deny", denying.deny_view, name="mention-deny"),
    path("runs/<number:pk>/correct", correcting.correct, name="run-correct"),
    path("corrections/<number:pk>/undo", correcting.undo, name="correction-undo"),
    path("denied-mentions/<number:pk>/undo", denying.undo_view, name="mention-deny-undo"),
    path("runs/<number:pk>/moments", views.moments, name="run-moments"),
    path("runs/<number:pk>/minutes", views.minutes, name="run-minutes"),
    path("runs/<number:pk>/not-this", not_this.not_this, name="run-not-this"),
    path("runs/<number:pk>/frame.jpg", views.frame_picture, name="run-frame-picture"),
    path("runs/<number:pk>/frame.json", views.frame_analysis, name="run-frame-analysis"),
]
